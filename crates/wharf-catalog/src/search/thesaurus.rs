//! Words that people use for one another: the verbs of APIs, and everyday English. Nothing here knows any one API.

use super::words::stem;
use wharf_model::HashMap;

/// Words of a line can stand for each other. Verbs first: the same act has one name in a question, another in an
/// operation's name, and a third in HTTP.
const LINES: &[&str] = &[
    // What an operation does.
    "create add make new insert post register generate build compose open draft publish",
    "request ask",
    "delete remove drop destroy erase discard",
    "update change edit modify patch put set alter adjust",
    "replace overwrite swap put",
    "get read fetch retrieve show view see look display describe detail",
    "list show see view browse enumerate get",
    "search find query lookup",
    "start run launch trigger dispatch execute begin begun",
    "stop cancel abort halt end terminate quit",
    "send email mail deliver transmit",
    "assign give grant attach",
    "attach add save link connect",
    "detach remove disconnect unlink",
    "approve approval accept confirm allow",
    "reject decline deny refuse",
    "enable activate switch turn",
    "disable deactivate",
    "invite invitation",
    "store save keep create",
    "upload send create",
    "download get fetch export",
    "submit hand",
    "rename update",
    "undo revert restore rollback",
    "retry rerun repeat",
    "lock freeze",
    "block ban restrict",
    "watch follow subscribe observe",
    "notify notification tell told inform alert",
    "calculate compute calculation",
    "compare difference diff between changed",
    "subscribe subscription sign",
    "count number",
    // What it does it to.
    "repository repo project",
    "issue bug ticket problem",
    "comment reply note remark",
    "user person people account",
    "member colleague teammate collaborator user",
    "organization company",
    "group team",
    "myself authenticated self current",
    "permission access right allowed",
    "review feedback",
    "review reviewer",
    "release version",
    "version revision",
    "file document content",
    "content contents text",
    "folder directory",
    "image picture photo",
    "log output",
    "workflow pipeline build ci",
    "secret password credential key",
    "configuration config setting preference option",
    "environment env",
    "application app",
    "authentication auth login",
    "money payment fund amount balance",
    "pay payment charge paid",
    "refund money reimburse back",
    "payout earning withdrawal",
    "dispute chargeback",
    "coupon discount voucher percent",
    "price cost fee",
    "order purchase",
    "invoice bill",
    "card credit",
    "customer client buyer",
    "product item article good",
    "upcoming next future preview",
    "latest newest recent last",
    "storage disk volume space",
    "machine server host node",
    "event happen activity",
    "schedule cron night daily hourly periodic recurring",
    "command exec execute shell",
    "route routing traffic ingress",
    "network traffic",
    "scale autoscale replica",
    "cluster global",
    "picture avatar",
    "address url link",
    "webhook hook callback",
    "protect protection guard",
];

/// Shortcuts that everybody writes out in a different way.
const SHORTCUTS: &[(&str, &str)] = &[
    ("pr", "pull request"),
    ("prs", "pull request"),
    ("org", "organization"),
    ("orgs", "organization"),
    ("repo", "repository"),
    ("repos", "repository"),
    ("db", "database"),
    ("k8s", "kubernetes"),
    ("2fa", "two factor authentication"),
    ("sso", "single sign on"),
];

/// Stems by the stems they can stand for.
pub(super) struct Thesaurus(HashMap<String, Vec<String>>);

impl Thesaurus {
    pub(super) fn new() -> Self {
        let mut map: HashMap<String, Vec<String>> = HashMap::default();
        for line in LINES {
            let stems: Vec<String> = line.split(' ').map(stemmed).collect();
            for one in &stems {
                let others = map.entry(one.clone()).or_default();
                for other in &stems {
                    if other != one && !others.contains(other) {
                        others.push(other.clone());
                    }
                }
            }
        }
        Self(map)
    }

    /// What `stem` can also be called.
    pub(super) fn others(&self, stem: &str) -> &[String] {
        self.0.get(stem).map_or(&[], Vec::as_slice)
    }
}

/// A question with its shortcuts written out.
pub(super) fn written_out(question: &str) -> String {
    let mut text = String::with_capacity(question.len());
    for word in question.split_inclusive(|c: char| !c.is_alphanumeric()) {
        let letters = word.trim_end_matches(|c: char| !c.is_alphanumeric());
        let shortcut = SHORTCUTS
            .iter()
            .find(|(short, _)| short.eq_ignore_ascii_case(letters));
        match shortcut {
            Some((_, long)) => {
                text.push_str(long);
                text.push_str(&word[letters.len()..]);
            }
            None => text.push_str(word),
        }
    }
    text
}

fn stemmed(word: &str) -> String {
    let mut word = word.to_owned();
    stem(&mut word);
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lead_to_their_others_by_stem() {
        let thesaurus = Thesaurus::new();
        for (word, other) in [
            ("deleting", "remove"),
            ("bugs", "issue"),
            ("show", "list"),
            ("show", "get"),
        ] {
            assert!(
                thesaurus.others(&stemmed(word)).contains(&stemmed(other)),
                "{word} {other}"
            );
        }
        assert!(thesaurus.others("zebra").is_empty());
    }

    #[test]
    fn shortcuts_are_written_out() {
        for (question, expected) in [
            ("merge my PR", "merge my pull request"),
            (
                "a sprint, a PR, an org",
                "a sprint, a pull request, an organization",
            ),
        ] {
            assert_eq!(written_out(question), expected);
        }
    }
}
