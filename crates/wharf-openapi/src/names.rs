//! Names: of tools from operations, of arguments from parameters and properties.
//!
//! A tool's name is what people write into prompts and allow-lists, so the rule that existing deployments know is kept
//! wherever its result is legal. Where it is not (empty, or the same for several operations because only the part in
//! front of `__` was looked at), the repair depends on the document alone, never on the run.

use wharf_model::{HashMap, HashSet};

/// Longer names are cut, which leaves room for a suffix below the 64 that clients accept.
const TOOL_NAME_CHARS_MAX: usize = 56;

/// Model providers refuse longer argument names.
const ARGUMENT_NAME_CHARS_MAX: usize = 64;

/// What an operation has to make a name from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Nameable<'a> {
    pub(crate) operation_id: Option<&'a str>,
    pub(crate) summary: Option<&'a str>,
    /// In capitals.
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
}

/// An operation's name before others are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stem {
    name: String,
    /// Made from the whole id, where the name is made only from the part in front of its first `__`.
    whole: Option<String>,
}

impl Stem {
    pub(crate) fn of(operation: &Nameable<'_>) -> Self {
        let by_place = || slug(&format!("{}_{}", operation.method, operation.path));
        let mut whole = None;
        let given = match (operation.operation_id, operation.summary) {
            (Some(id), _) if !id.trim().is_empty() => match id.split_once("__") {
                None => slug(id),
                Some((stem, _)) => {
                    let (stem, id) = (slug(stem), slug(id));
                    let name = if stem.is_empty() { id.clone() } else { stem };
                    whole = Some(id).filter(|id| !id.is_empty());
                    name
                }
            },
            (_, Some(summary)) => slug(summary),
            _ => String::new(),
        };
        Self {
            name: if given.is_empty() { by_place() } else { given },
            whole,
        }
    }
}

/// The names of all operations, in their order: unique, never empty, 64 characters at most.
pub(crate) fn tool_names(stems: Vec<Stem>) -> Vec<String> {
    let mut uses: HashMap<&str, usize> = HashMap::default();
    uses.reserve(stems.len());
    for stem in &stems {
        *uses.entry(&stem.name).or_default() += 1;
    }
    // Ids that differ only behind the first `__`: the whole id tells them apart.
    let is_ambiguous = |stem: &Stem| stem.whole.is_some() && uses[stem.name.as_str()] > 1;
    let ambiguous: Vec<_> = stems.iter().map(is_ambiguous).collect();
    let names = stems.into_iter().zip(ambiguous);
    make_unique(
        names.map(|(stem, is_ambiguous)| stem.whole.filter(|_| is_ambiguous).unwrap_or(stem.name)),
    )
}

/// Keeps letters, digits and single underscores.
fn slug(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(TOOL_NAME_CHARS_MAX + 1));
    for character in text.chars() {
        let kept = match character {
            'a'..='z' | 'A'..='Z' | '0'..='9' => character,
            '_' | '-' | '.' => '_',
            space if space.is_whitespace() => '_',
            _ => continue,
        };
        if kept == '_' && (out.is_empty() || out.ends_with('_')) {
            continue;
        }
        out.push(kept);
    }
    let end = out.trim_end_matches('_').len();
    out.truncate(end.min(TOOL_NAME_CHARS_MAX));
    out
}

/// Puts `_2`, `_3`, … behind the later ones of equal names, passing over numbers that are somebody's own name.
fn make_unique(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut names: Vec<String> = names.collect();
    let mut counts: HashMap<&str, usize> = HashMap::default();
    counts.reserve(names.len());
    let repeated: Vec<usize> = (0..names.len())
        .filter(|place| {
            let count = counts.entry(&names[*place]).or_default();
            *count += 1;
            *count > 1
        })
        .collect();
    let mut numbers: HashMap<&str, usize> = HashMap::default();
    let mut renamed = Vec::with_capacity(repeated.len());
    for place in repeated {
        let name = names[place].as_str();
        let number = numbers.entry(name).or_insert(1);
        let free = loop {
            *number += 1;
            let numbered = format!("{name}_{number}");
            if !counts.contains_key(numbered.as_str()) {
                break numbered;
            }
        };
        renamed.push((place, free));
    }
    for (place, name) in renamed {
        names[place] = name;
    }
    names
}

/// The names of arguments, each given out once.
#[derive(Debug, Default)]
pub(crate) struct ArgumentNames {
    /// While there are few: most operations have a handful, which are compared sooner than hashed.
    few: Vec<String>,
    many: HashSet<String>,
}

impl ArgumentNames {
    /// The name itself where model providers accept it and it is free, else one as near to it as can be.
    pub(crate) fn take(&mut self, wanted: &str) -> String {
        let base = argument_name(wanted);
        if self.insert(&base) {
            return base;
        }
        let mut count = 2;
        loop {
            let suffix = format!("_{count}");
            let room = ARGUMENT_NAME_CHARS_MAX - suffix.len();
            let name = format!("{}{suffix}", &base[..base.len().min(room)]);
            if self.insert(&name) {
                return name;
            }
            count += 1;
        }
    }

    /// Whether the name was free.
    fn insert(&mut self, name: &str) -> bool {
        const FEW: usize = 24;
        if self.few.iter().any(|taken| taken == name) {
            return false;
        }
        if self.few.len() < FEW {
            self.few.push(name.to_owned());
            return true;
        }
        self.many.insert(name.to_owned())
    }
}

/// `filter[x]` becomes `filter_x`: only what `^[a-zA-Z0-9_.-]{1,64}$` accepts.
pub(crate) fn argument_name(wanted: &str) -> String {
    let legal =
        |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '.' | '-');
    if !wanted.is_empty() && wanted.len() <= ARGUMENT_NAME_CHARS_MAX && wanted.chars().all(legal) {
        return wanted.to_owned();
    }
    let mut name = String::new();
    for character in wanted.chars().take(4 * ARGUMENT_NAME_CHARS_MAX) {
        if legal(character) {
            name.push(character);
        } else if !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
    }
    name.truncate(ARGUMENT_NAME_CHARS_MAX);
    let end = name.trim_end_matches('_').len();
    name.truncate(end);
    if name.is_empty() {
        "argument".to_owned()
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(id: Option<&str>, summary: Option<&str>, method: &str, path: &str) -> String {
        let operation = Nameable {
            operation_id: id,
            summary,
            method,
            path,
        };
        tool_names(vec![Stem::of(&operation)]).remove(0)
    }

    #[test]
    fn a_tool_is_named_by_its_id_its_summary_or_its_place() {
        let long = "a".repeat(80);
        for (id, summary, method, path, expected) in [
            (Some("listPets"), Some("List"), "GET", "/pets", "listPets"),
            (
                Some("list-pets.v2 now"),
                None,
                "GET",
                "/pets",
                "list_pets_v2_now",
            ),
            (
                Some("repos/get-content"),
                None,
                "GET",
                "/x",
                "reposget_content",
            ),
            (Some("_pets_-_list_"), None, "GET", "/x", "pets_list"),
            (
                Some("read_item_items__item_id__get"),
                None,
                "GET",
                "/x",
                "read_item_items",
            ),
            (Some("__init"), None, "GET", "/x", "init"),
            (
                Some(""),
                Some("List all pets"),
                "GET",
                "/pets",
                "List_all_pets",
            ),
            (
                None,
                Some("List all pets!"),
                "GET",
                "/pets",
                "List_all_pets",
            ),
            (None, None, "GET", "/pets/{petId}/toys", "GET_petspetIdtoys"),
            (None, None, "GET", "/", "GET"),
            (Some("ペット一覧"), Some("List"), "GET", "/pets", "GET_pets"),
            (Some("ペット一覧"), None, "DELETE", "/ペット", "DELETE"),
            (Some("2fa"), None, "GET", "/x", "2fa"),
            (Some(&long), None, "GET", "/x", &long[..56]),
        ] {
            assert_eq!(
                name(id, summary, method, path),
                expected,
                "{id:?} {summary:?} {method} {path}"
            );
        }
    }

    #[test]
    fn names_are_unique_in_their_order() {
        let long = "b".repeat(70);
        for (ids, expected) in [
            (
                &["list", "list", "list"][..],
                &["list", "list_2", "list_3"][..],
            ),
            // A number that is somebody's own name is passed over.
            (&["list", "list", "list_2"], &["list", "list_3", "list_2"]),
            (&["a-b", "a.b"], &["a_b", "a_b_2"]),
            // The part in front of `__` is the same: the whole id is the name.
            (
                &["users__list", "users__get", "teams__list"],
                &["users_list", "users_get", "teams"],
            ),
            (&["users", "users__get"], &["users", "users_get"]),
            (&["x__", "x__"], &["x", "x_2"]),
        ] {
            let operations: Vec<_> = ids
                .iter()
                .map(|id| Nameable {
                    operation_id: Some(id),
                    summary: None,
                    method: "GET",
                    path: "/x",
                })
                .collect();
            let stems = operations.iter().map(Stem::of).collect();
            assert_eq!(tool_names(stems), expected, "{ids:?}");
        }
        let twice = [&long[..]; 2].map(|id| Nameable {
            operation_id: Some(id),
            summary: None,
            method: "GET",
            path: "/x",
        });
        let stems = twice.iter().map(Stem::of).collect();
        assert_eq!(tool_names(stems)[1], format!("{}_2", &long[..56]));
    }

    #[test]
    fn arguments_have_names_that_providers_accept() {
        let long = "c".repeat(100);
        for (wanted, expected) in [
            ("petId", "petId"),
            ("filter[x]", "filter_x"),
            ("$top", "top"),
            ("a b", "a_b"),
            ("a.b-c", "a.b-c"),
            ("名前", "argument"),
            ("", "argument"),
            ("@type", "type"),
            (&long, &long[..64]),
        ] {
            assert_eq!(ArgumentNames::default().take(wanted), expected, "{wanted}");
        }
        let mut names = ArgumentNames::default();
        let taken = ["$top", "top", "top!", &long, &long].map(|wanted| names.take(wanted));
        assert_eq!(taken[..3], ["top", "top_2", "top_3"]);
        assert_eq!(taken[4], format!("{}_2", &long[..62]));
    }
}
