//! Spends a budget of neighbour entries where sessions will need them.
//!
//! A fixed number of neighbours for every item gives an item that is seen once a year as much
//! room as the one that everybody opens. Here an entry's worth is its weight times the square
//! root of how often its item occurs, and the entries of least worth go.

use super::NeighbourLists;

/// Keeps `budget` entries of `lists`, each strongest first.
///
/// The first of every row stay, up to half of what a row has on average, whatever they are worth:
/// a session of a single item has nothing else.
pub fn prune(mut lists: NeighbourLists, popularity: &[f64], budget: usize) -> NeighbourLists {
    let all: usize = lists.iter().map(Vec::len).sum();
    if all <= budget {
        return lists;
    }
    let least = budget / lists.len() / 2;
    let safe: usize = lists.iter().map(|list| list.len().min(least)).sum();
    let room = budget.saturating_sub(safe);
    let mut worth: Vec<(f32, u32, u32)> = Vec::with_capacity(all - safe);
    for (row, list) in lists.iter().enumerate() {
        let often = (popularity[row] + 1.0).sqrt() as f32;
        for (place, entry) in list.iter().enumerate().skip(least) {
            worth.push((entry.1 * often, row as u32, place as u32));
        }
    }
    if room < worth.len() {
        let order = |a: &(f32, u32, u32), b: &(f32, u32, u32)| {
            b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2)))
        };
        worth.select_nth_unstable_by(room, order);
    }
    worth.truncate(room);
    // Within a row worth falls with the place, so what is kept of a row is its beginning.
    let mut kept: Vec<usize> = lists.iter().map(|list| list.len().min(least)).collect();
    for (_, row, _) in worth {
        kept[row as usize] += 1;
    }
    for (list, keep) in lists.iter_mut().zip(kept) {
        list.truncate(keep);
    }
    lists
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(weights: &[f32]) -> Vec<(u32, f32)> {
        (0..).zip(weights.iter().copied()).collect()
    }

    #[test]
    fn entries_go_to_items_that_are_seen_often() {
        let lists = vec![
            list(&[0.9, 0.8, 0.7, 0.6, 0.5, 0.4]),
            list(&[0.9, 0.8, 0.7, 0.6, 0.5, 0.4]),
        ];
        let pruned = prune(lists.clone(), &[0.0, 99.0], 10);
        assert_eq!(pruned[0].len(), 4);
        assert_eq!(pruned[1], lists[1]);
    }

    #[test]
    fn a_budget_that_suffices_changes_nothing() {
        let lists = vec![list(&[0.9, 0.1]), list(&[])];
        assert_eq!(prune(lists.clone(), &[1.0, 1.0], 2), lists);
    }

    #[test]
    fn half_of_the_mean_stays_for_every_row() {
        let lists = vec![list(&[0.5; 9]), list(&[0.5; 9])];
        let pruned = prune(lists, &[0.0, 1e6], 8);
        assert_eq!((pruned[0].len(), pruned[1].len()), (2, 6));
    }
}
