//! Numbers as a reader wants them.

/// A whole number in groups of three: `1,257`.
#[must_use]
pub fn count(value: usize) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `value` things: `1 sample`, `1,257 samples`.
#[must_use]
pub fn counted(value: usize, thing: &str) -> String {
    format!("{} {thing}{}", count(value), if value == 1 { "" } else { "s" })
}

/// A measure of 0 to 1 in three decimals, or a dash where it is undefined.
#[must_use]
pub fn measure(value: Option<f64>) -> String {
    value.filter(|v| v.is_finite()).map_or_else(|| "–".to_owned(), |v| format!("{v:.3}"))
}

/// A share of 0 to 1 in percent with one decimal: `95.5 %`.
#[must_use]
pub fn percent(share: f64) -> String {
    if share.is_finite() { format!("{:.1}\u{a0}%", share * 100.0) } else { "–".to_owned() }
}

/// Bytes, in KiB and MiB where that is shorter.
#[must_use]
pub fn bytes(value: usize) -> String {
    const KIB: f64 = 1024.0;
    let size = value as f64;
    if size < KIB {
        format!("{value}\u{a0}B")
    } else if size < KIB * KIB {
        format!("{:.1}\u{a0}KiB", size / KIB)
    } else {
        format!("{:.1}\u{a0}MiB", size / KIB / KIB)
    }
}

/// A time in the unit that suits it.
#[must_use]
pub fn seconds(value: f64) -> String {
    if !value.is_finite() || value < 0.0 {
        "–".to_owned()
    } else if value < 0.1 {
        format!("{:.1}\u{a0}ms", value * 1e3)
    } else if value < 10.0 {
        format!("{value:.2}\u{a0}s")
    } else {
        format!("{value:.0}\u{a0}s")
    }
}

/// A value of any size in three significant digits.
#[must_use]
pub fn value(value: f64) -> String {
    let size = value.abs();
    if value.is_nan() {
        "not a number".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "∞" } else { "−∞" }.to_owned()
    } else if size == 0.0 {
        "0".to_owned()
    } else if !(1e-3..1e5).contains(&size) {
        let text = format!("{value:.2e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        minus(&format!("{mantissa}·10{}", superscript(exponent)))
    } else {
        let decimals = (2 - size.log10().floor() as i32).clamp(0, 5) as usize;
        minus(&format!("{value:.decimals$}"))
    }
}

/// A power of ten: `10⁻³`.
#[must_use]
pub fn power_of_ten(exponent: i32) -> String {
    match exponent {
        0 => "1".to_owned(),
        1 => "10".to_owned(),
        _ => format!("10{}", superscript(&exponent.to_string())),
    }
}

/// The number with a minus sign in place of a hyphen.
#[must_use]
pub fn minus(text: &str) -> String {
    text.replace('-', "−")
}

fn superscript(digits: &str) -> String {
    const RAISED: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    digits
        .chars()
        .map(|c| c.to_digit(10).and_then(|d| RAISED.get(d as usize).copied()).unwrap_or('⁻'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_never_lose_their_size() {
        assert_eq!([0, 12, 1257, 1_234_567].map(count), ["0", "12", "1,257", "1,234,567"]);
        assert_eq!(
            [0.0, 0.0123, 1.0, -12.34, 99_999.0].map(value),
            ["0", "0.0123", "1.00", "−12.3", "99999"]
        );
        assert_eq!([1.5e-7, -2e30, f64::INFINITY].map(value), ["1.50·10⁻⁷", "−2.00·10³⁰", "∞"]);
        assert_eq!([16, 2048, 3 << 20].map(bytes), ["16\u{a0}B", "2.0\u{a0}KiB", "3.0\u{a0}MiB"]);
        assert_eq!([0.0004, 0.5, 61.2].map(seconds), ["0.4\u{a0}ms", "0.50\u{a0}s", "61\u{a0}s"]);
        assert_eq!((measure(None), measure(Some(0.98649))), ("–".to_owned(), "0.986".to_owned()));
    }
}
