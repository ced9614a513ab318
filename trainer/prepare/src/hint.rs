//! Suggestions in errors. A wrong one is worse than none: whoever follows it trains on a column
//! that holds something else and is told nothing.

use crate::columns::plain;
use crate::recognise::Sample;

/// Likeness from which one name is a slip of the pen for another: `itm_id` for `item_id`, but not
/// `seller_id` for `user_id`.
const LIKE: f64 = 0.75;

/// The candidate that is a slip of the pen for `word`, or the reverse.
pub(crate) fn closest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let word = plain(word);
    candidates
        .into_iter()
        .map(|candidate| (candidate, likeness(&word, &plain(candidate))))
        .filter(|(_, likeness)| *likeness >= LIKE)
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(candidate, _)| candidate)
}

fn likeness(one: &str, other: &str) -> f64 {
    // One letter added to a word of three is most likely another word.
    if one.len().min(other.len()) < 3 {
        return if one == other { 1.0 } else { 0.0 };
    }
    strsim::normalized_damerau_levenshtein(one, other)
}

/// The column that could be the wanted one which goes by `names`: a slip of the pen for one of
/// them, or a longer name that ends in one (`Lineitem sku` for `sku`). Its values must allow it.
pub(crate) fn column_for<'a>(
    wanted: &str,
    names: &[&str],
    columns: &[(usize, &'a str)],
    sample: Option<&Sample>,
) -> Option<&'a str> {
    let possible: Vec<&str> = columns
        .iter()
        .filter(|(at, name)| {
            !is_counter(name) && sample.is_none_or(|sample| sample.may_be(wanted, *at))
        })
        .map(|(_, name)| *name)
        .collect();
    let like = names
        .iter()
        .find_map(|name| closest(name, possible.iter().copied()));
    like.or_else(|| {
        // A single word such as `product` ends the names of many columns that are no id.
        let told = names
            .iter()
            .filter(|name| name.contains('_') || matches!(**name, "sku" | "asin" | "email"));
        told.filter_map(|name| {
            let wanted = words(name);
            possible
                .iter()
                .copied()
                .find(|column| words(column).ends_with(&wanted))
        })
        .next()
    })
}

/// True if the name is that of a line's number within its order, which is an id of nothing.
fn is_counter(name: &str) -> bool {
    let words = words(name);
    words.iter().any(|word| word == "order" || word == "line")
        && words.iter().any(|word| word == "item" || word == "line")
        && words
            .last()
            .is_some_and(|word| word == "id" || word == "number")
}

/// The words of a name: `viewedItemId` and `viewed_item_id` are viewed, item, id.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut lower = false;
    for c in name.chars() {
        let begins = c.is_uppercase() && lower;
        if !c.is_alphanumeric() || begins {
            words.push(String::new());
        }
        lower = c.is_lowercase();
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// An argument as a shell takes it.
pub(crate) fn shell_quoted(argument: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || "_-.,=:/+@%".contains(c);
    if argument.chars().all(bare) {
        return argument.into();
    }
    format!("'{}'", argument.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(wanted: &str, names: &[&str], columns: &[&str]) -> Option<String> {
        let columns: Vec<_> = columns.iter().copied().enumerate().collect();
        column_for(wanted, names, &columns, None).map(str::to_string)
    }

    #[test]
    fn a_hint_names_a_slip_of_the_pen_or_a_longer_name_and_nothing_else() {
        let items = ["item_id", "item", "product_id", "product", "sku"];
        let users = ["user_id", "user", "customer_id", "customer", "email"];
        let some = |text: &str| Some(text.to_string());
        assert_eq!(hint("item_id", &items, &["who", "itm_id"]), some("itm_id"));
        assert_eq!(
            hint("item_id", &items, &["viewedItemId"]),
            some("viewedItemId")
        );
        let shopify = [
            "Name",
            "Lineitem quantity",
            "Lineitem fulfillment status",
            "Lineitem sku",
        ];
        assert_eq!(hint("item_id", &items, &shopify), some("Lineitem sku"));
        assert_eq!(hint("item_id", &items, &shopify[..3]), None);
        assert_eq!(hint("user_id", &users, &["seller_id", "order_id"]), None);
        assert_eq!(
            hint("item_id", &items, &["order_item_id", "product_name_lenght"]),
            None
        );
        assert_eq!(
            hint("user_id", &users, &["Billing Email"]),
            some("Billing Email")
        );
        assert_eq!(closest("whoo", ["who", "when"]), Some("who"));
        assert_eq!(closest("price", ["site", "prime_time"]), None);
    }

    #[test]
    fn names_with_blanks_and_quotes_are_quoted_for_the_shell() {
        assert_eq!(shell_quoted("item_id=sku"), "item_id=sku");
        assert_eq!(
            shell_quoted("item_id=Lineitem sku"),
            "'item_id=Lineitem sku'"
        );
        assert_eq!(shell_quoted("item_id=a'b$c"), r"'item_id=a'\''b$c'");
        assert_eq!(shell_quoted("item_id=größe"), "'item_id=größe'");
    }
}
