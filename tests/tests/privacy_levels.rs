//! `vitrine privacy` on a simulated shop, as a person runs it.

#![allow(clippy::unwrap_used)] // In a test, a panic is the report.

use std::fs;
use vitrine_tests::command::vitrine;
use vitrine_tests::shop::prepared;

#[test]
fn the_levels_are_compared_on_the_shops_own_history() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let sizes = ["--items", "120", "--shoppers", "2000", "--days", "20"];
    let data = prepared(folder.path(), &sizes);

    let privacy = |more: &[&str]| vitrine(&[&["privacy", "--data", &data][..], more].concat());
    let (page, notes) = (at("levels.html"), at("levels.md"));
    let written = ["--report", &page, "--markdown", &notes];
    let said = privacy(&[&["--windows", "1,2", "--cells", "4,8"][..], &written].concat()).done();
    for wanted in [
        "history only",
        "whole sessions (no privacy)",
        "unlinkable, k = 10",
        "private, ε = 1",
        "2 windows of about",
        "ecommended",
    ] {
        let recommended = wanted == "ecommended" && said.contains("No level keeps");
        assert!(said.contains(wanted) || recommended, "{wanted}: {said}");
    }
    let line = |name: &str| {
        let line = said
            .lines()
            .find(|line| line.starts_with(&format!("| {name} |")));
        let cell = line.unwrap().split('|').nth(5).unwrap().trim().to_owned();
        cell.parse::<usize>().unwrap()
    };
    // A stronger level releases less.
    let released: Vec<usize> = [1, 2, 3, 5, 10]
        .map(|k| line(&format!("unlinkable, k = {k}")))
        .into();
    assert!(released.is_sorted_by(|a, b| a >= b), "{released:?}");
    assert!(released[0] > 0 && line("private, ε = 1") <= line("private, ε = 4"));
    assert!(fs::read_to_string(&page).unwrap().contains("<svg"));
    assert!(fs::read_to_string(&notes).unwrap().contains("## "));
    let again = privacy(&["--windows", "1", "--cells", "8"]).done();
    assert_eq!(again, privacy(&["--windows", "1", "--cells", "8"]).done());

    let forge = |percent: &str| {
        let cut = ["--windows", "4", "--cells", "8", "--markdown", &notes];
        privacy(&[&["--forged", percent][..], &cut].concat())
    };
    let said = forge("1").done();
    let worst = said.lines().find_map(|line| line.strip_prefix("worst: "));
    let worst: f64 = worst.unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!((1.0..=1.5).contains(&worst), "{said}");
    assert!(fs::read_to_string(&notes).unwrap().contains("| usual |"));
    privacy(&["--forged", "0"]).refused(&["--forged"]);
    forge("100").done();
    let notes = fs::read_to_string(&notes).unwrap();
    // Of a burst in one group less is shown than of the same reports with honest nonces.
    let shown = |attack: &str| {
        let line = notes.lines().find(|line| line.contains(attack)).unwrap();
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        [3, 5].map(|at| {
            cells[at]
                .rsplit(' ')
                .next()
                .unwrap()
                .parse::<f64>()
                .unwrap()
        })
    };
    let gathered = shown("| new | from 50 popular items, nonces of one group |");
    assert!(gathered[1] < gathered[0], "{notes}");
    let spread = shown("| new | from 50 popular items |");
    assert_eq!(spread[1], spread[0], "{notes}");

    privacy(&["--windows", "0"]).refused(&["windows"]);
    privacy(&["--cells", "65"]).refused(&["64"]);
    privacy(&["--windows", "9999999"]).refused(&["fewer windows"]);
    vitrine(&["privacy", "--data", &at("none")]).refused(&["none"]);
}
