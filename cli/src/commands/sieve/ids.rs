//! The ids of groups, which do not depend on the part of a stream that they were read
//! with: a whole number is its own, any other label has the CRC-32 of its text.

use crate::commands::CommandError;
use crate::commands::inputs::refuse;
use gradsieve::state::crc32;
use gradsieve_io::files::{Groups, Label};

/// The id of each label of `groups`, in their order.
///
/// # Errors
/// [`CommandError::Argument`] if two labels have one id.
pub(super) fn ids(groups: &Groups) -> Result<Vec<u32>, CommandError> {
    let ids: Vec<u32> = groups.labels().iter().map(id).collect();
    let mut order: Vec<usize> = (0..ids.len()).collect();
    order.sort_by_key(|&label| ids[label]);
    match order.windows(2).find(|pair| ids[pair[0]] == ids[pair[1]]) {
        Some(pair) => {
            let [one, other] = [pair[0], pair[1]].map(|label| groups.labels()[label].to_string());
            let found = format!("{one} and {other}, which have one CRC-32");
            refuse("--groups", "labels of different ids, as whole numbers from 0 have", found)
        }
        None => Ok(ids),
    }
}

fn id(label: &Label) -> u32 {
    match label {
        Label::Number(number) => {
            u32::try_from(*number).unwrap_or_else(|_| crc32(number.to_string().as_bytes()))
        }
        Label::Name(name) => crc32(name.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(labels: &[Label]) -> Result<Vec<u32>, CommandError> {
        ids(&Groups::new(labels))
    }

    #[test]
    fn a_label_has_its_id_whatever_stands_beside_it() {
        let [three, large, negative] = [3, 1 << 32, -1].map(Label::Number);
        let cat = Label::Name("cat".to_owned());
        assert_eq!(of(std::slice::from_ref(&three)).unwrap(), [3]);
        assert_eq!(of(std::slice::from_ref(&cat)).unwrap(), [crc32(b"cat")]);
        let all = of(&[cat, large, three, negative]).unwrap();
        assert_eq!(all, [crc32(b"-1"), 3, crc32(b"4294967296"), crc32(b"cat")]);
    }

    #[test]
    fn labels_of_one_id_are_refused() {
        let labels = [Label::Number(i128::from(crc32(b"cat"))), Label::Name("cat".to_owned())];
        let refusal = of(&labels).unwrap_err().to_string();
        assert!(refusal.contains("\"cat\", which have one CRC-32"), "{refusal}");
    }
}
