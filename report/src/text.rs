//! Text of others as a page may show it: what does something to the text around it is
//! spelt out, and what is long is cut.

/// The text with control characters, and those that turn the direction of writing, spelt
/// out. Ends of lines and tabs stay.
pub(crate) fn visible(text: &str) -> String {
    let spelt = |c: char| match c {
        '\n' | '\t' => c.to_string(),
        '\r' => String::new(),
        c if is_control(c) => c.escape_default().to_string(),
        c => c.to_string(),
    };
    if text.contains(is_control) { text.chars().map(spelt).collect() } else { text.to_owned() }
}

/// At most so many characters of [`visible`] text.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => visible(&text[..end]) + "…",
        None => visible(text),
    }
}

fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_turn_the_text_around_is_spelt_out() {
        assert_eq!(
            visible("a\0b\u{1b}[31m\u{202e}ypn\n\tend\r\n"),
            "a\\u{0}b\\u{1b}[31m\\u{202e}ypn\n\tend\n"
        );
        assert_eq!(visible("Größe, 数据 – é"), "Größe, 数据 – é");
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(shortened("äöüß", 2), "äö…");
        assert_eq!(shortened("äö", 2), "äö");
    }
}
