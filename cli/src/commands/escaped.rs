//! Text of others (names of files and tensors, metadata) as a terminal may safely show
//! it.
//!
//! A name may hold any character: one that moves the cursor, ends the line or turns the
//! direction of writing could make the program seem to say what it did not.

use std::fmt::Display;

/// The text with its control characters spelt out, as in `\u{1b}`.
pub(super) fn escaped(text: &impl Display) -> String {
    let text = text.to_string();
    if !text.contains(is_control) {
        return text;
    }
    text.chars().map(|c| if is_control(c) { c.escape_default().to_string() } else { c.to_string() }).collect()
}

/// JSON of which terminals show each character as what it is. (Those below a blank are
/// escaped by every writer of JSON; all that are escaped here can stand in strings only.)
pub(super) fn escaped_json(json: &str) -> String {
    json.chars()
        .map(|c| match c {
            '\n' => c.to_string(),
            c if is_control(c) => format!("\\u{:04x}", c as u32),
            c => c.to_string(),
        })
        .collect()
}

/// The text, line by line: for what has more than one.
pub(super) fn escaped_lines(text: &impl Display) -> String {
    let text = text.to_string();
    text.split('\n').map(|line| escaped(&line)).collect::<Vec<_>>().join("\n")
}

/// Whether a character does something to the text around it: controls, ends of lines, and
/// what turns the direction of writing.
fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_spelt_out() {
        assert_eq!(escaped(&"a\x1b[31m\n\tb\r\u{9b}\u{7f}"), "a\\u{1b}[31m\\n\\tb\\r\\u{9b}\\u{7f}");
        assert_eq!(escaped(&"\u{202e}ypn.\u{2066}\u{200b}"), "\\u{202e}ypn.\\u{2066}\\u{200b}");
        assert_eq!(escaped(&"Größe, 数据 – é\\n"), "Größe, 数据 – é\\n");
        assert_eq!(escaped_lines(&"a\nb\x1b"), "a\nb\\u{1b}");
    }

    #[test]
    fn json_stays_json_and_keeps_its_meaning() {
        let text = serde_json::to_string_pretty(&["\u{9b}31m\u{7f}\u{202e}\n\\"]).unwrap();
        let safe = escaped_json(&text);
        assert!(!safe.contains(|c: char| c != '\n' && is_control(c)), "{safe:?}");
        let (one, other): (serde_json::Value, serde_json::Value) =
            (serde_json::from_str(&text).unwrap(), serde_json::from_str(&safe).unwrap());
        assert_eq!(one, other);
    }
}
