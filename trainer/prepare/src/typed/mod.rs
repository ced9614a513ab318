//! From what stands in a source to times, numbers and actions, value by value.
//!
//! A value that can't be read is not an error of the run: each function returns the problem, as
//! the end of a sentence about the value, and the row goes to `rejected.csv` with it.
//!
//! The engine's own casts are not used here: they say neither why a value failed nor do they take
//! Unix times in seconds and milliseconds, `UTC` as a zone, or a decimal comma.

mod calendar;
mod format;
pub(crate) mod number;
pub(crate) mod time;
pub(crate) mod words;
pub(crate) mod zone;

use vitrine_core::Action;

/// Codes in the collected table: those of [`Action`], and two that rules drop by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ActionCode {
    /// Kept.
    Known(Action),
    /// Takes an earlier event back: a return, a removal from the basket.
    Returned,
    /// The mapping file says to leave it out.
    Ignored,
}

impl ActionCode {
    /// The code, as the statements know it.
    pub(crate) fn code(self) -> i32 {
        match self {
            Self::Known(action) => i32::from(action.code()),
            Self::Returned => 3,
            Self::Ignored => 4,
        }
    }

    /// The name under which a mapping file knows this code.
    pub(crate) fn name(code: i32) -> &'static str {
        match code {
            3 => "return",
            4 => "ignore",
            code => u8::try_from(code)
                .ok()
                .and_then(Action::from_code)
                .map_or("?", Action::name),
        }
    }

    /// The action under this name of Vitrine.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "return" => Some(Self::Returned),
            "ignore" => Some(Self::Ignored),
            name => name.parse().ok().map(Self::Known),
        }
    }

    /// The action for which shops commonly use this word, given in plain form.
    pub(crate) fn from_common_word(plain: &str) -> Option<Self> {
        Some(match plain {
            "view" | "views" | "viewitem" | "itemview" | "click" | "clicks" | "pageview" | "pv"
            | "detail" | "detailview" | "productview" | "productdetail" | "interaction"
            | "visit" => Self::Known(Action::View),
            "addtocart" | "cart" | "atc" | "basket" | "addtobasket" | "add" => {
                Self::Known(Action::AddToCart)
            }
            "buy" | "purchase" | "purchased" | "transaction" | "order" | "ordered" | "sale" => {
                Self::Known(Action::Buy)
            }
            "return" | "returned" | "refund" | "removefromcart" | "removefrombasket" => {
                Self::Returned
            }
            _ => return None,
        })
    }
}

/// The part of a published split: 0 train, 1 valid, 2 test.
pub(crate) fn part(text: &str) -> Result<i32, String> {
    match text.to_ascii_lowercase().as_str() {
        "train" | "training" => Ok(0),
        "valid" | "validation" | "val" | "dev" => Ok(1),
        "test" => Ok(2),
        _ => Err(format!("'{}' is not train, valid or test", short(text))),
    }
}

/// The value without surrounding blanks, or `None` where it is a word for nothing.
pub(crate) fn something(text: &str) -> Option<&str> {
    let text = text.trim();
    (!matches!(
        text,
        "" | "NULL" | "null" | "\\N" | "NA" | "N/A" | "NaN" | "nan" | "None"
    ))
    .then_some(text)
}

/// The id without surrounding blanks, or `None` where nothing stands: `NA` is a word for nothing in
/// most columns and the id of something in others.
pub(crate) fn id(text: &str) -> Option<&str> {
    let text = text.trim();
    (!matches!(text, "" | "\\N")).then_some(text)
}

/// True if an id is a word that elsewhere stands for nothing.
pub(crate) fn looks_like_nothing(id: &str) -> bool {
    const WORDS: [&str; 10] = [
        "null",
        "na",
        "n/a",
        "nan",
        "none",
        "nil",
        "undefined",
        "(not set)",
        "unknown",
        "-",
    ];
    // Asked of every id: nearly all begin otherwise.
    id.starts_with(['n', 'N', 'u', 'U', '(', '-'])
        && WORDS.iter().any(|word| word.eq_ignore_ascii_case(id))
}

/// A finite number as programs write it.
fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

/// The first 60 characters, for messages.
pub(crate) fn short(text: &str) -> String {
    let mut cut: String = text.chars().take(60).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_nothing_are_nothing_but_not_in_ids() {
        assert_eq!(something("  NA "), None);
        assert_eq!(something("  sku 1 "), Some("sku 1"));
        assert_eq!(id(" NA "), Some("NA"));
        assert_eq!(id("0"), Some("0"));
        assert_eq!(id("\\N"), None);
        assert_eq!(id("  "), None);
        assert_eq!(part("Validation"), Ok(1));
    }
}
