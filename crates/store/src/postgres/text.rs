//! Text that PostgreSQL can hold. It refuses U+0000, which a partner may well send; one such key in a checkpoint would
//! stop the log for good.
//!
//! Invariant: decode(encode(text)) is text, and the order of encoded texts is the order of the texts.

use std::borrow::Cow;

/// U+0000 and U+0001 become U+0001 and a digit; everything else stays.
pub(super) fn encode(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', '\u{1}']) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace('\u{1}', "\u{1}1").replace('\0', "\u{1}0"))
}

pub(super) fn decode(text: String) -> String {
    if !text.contains('\u{1}') {
        return text;
    }
    text.replace("\u{1}0", "\0").replace("\u{1}1", "\u{1}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_text_comes_back_and_keeps_its_place(left in "[\0\u{1}01a]{0,8}", right in "[\0\u{1}01a]{0,8}") {
            prop_assert!(!encode(&left).contains('\0'));
            prop_assert_eq!(decode(encode(&left).into_owned()), left.clone());
            prop_assert_eq!(encode(&left).cmp(&encode(&right)), left.cmp(&right));
        }
    }
}
