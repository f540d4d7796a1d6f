//! Scores the search: `cargo run -p wharf-bench --example recall`. What was missed is printed for the half that may be
//! looked at while the search is changed, and for the other half only the score. docs/search.md has the method.

#![expect(clippy::print_stdout, reason = "its output is what it is for")]

#[path = "../tests/it/recall.rs"]
mod recall;

fn main() {
    let mut totals = [(0, 0); 2];
    for name in recall::DOCUMENTS {
        let Some(catalog) = recall::catalog(name) else {
            println!("{name}: the document or the program `xz` is missing");
            continue;
        };
        for (half, total) in ["tune", "kept"].into_iter().zip(&mut totals) {
            let score = recall::score(name, &catalog, half);
            println!(
                "{name}, {half}: {} of {} within the first {}",
                score.found,
                score.tasks,
                recall::FIRST
            );
            if half == "tune" {
                print!("{}", score.missed);
            }
            total.0 += score.found;
            total.1 += score.tasks;
        }
    }
    for (half, (found, tasks)) in ["tune", "kept"].into_iter().zip(totals) {
        println!("{half}: {found} of {tasks}");
    }
}
