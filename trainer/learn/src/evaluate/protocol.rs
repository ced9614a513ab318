//! What an example is, and which items are ranked for it.

use super::metrics::Measures;
use crate::dataset::Examples;
use serde::Serialize;
use std::fmt;
use std::str::FromStr;
use vitrine_core::score::Event;

/// How a ranking is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// Every test event with enough events before it is a label, and every item is ranked: what
    /// the session has seen already is often what comes next.
    NextItem,
    /// The last test event of a session (of a user, in these data) is the one label; the input is
    /// all before it, train and valid events too, and the items of the input are not ranked. The
    /// full ranking of the S3-Rec and ICLRec papers.
    LeaveOneOut,
}

impl Protocol {
    /// The examples of this protocol among the `test` examples.
    pub fn examples(self, test: &Examples) -> Examples {
        match self {
            Self::NextItem => test.clone(),
            Self::LeaveOneOut => {
                let by_session = test.at.chunk_by(|one, next| one.0 == next.0);
                Examples {
                    sessions: test.sessions.clone(),
                    at: by_session.filter_map(|at| at.last().copied()).collect(),
                }
            }
        }
    }

    /// The rows that are not ranked for an `input`, rising.
    pub fn masked(self, input: &[Event]) -> Vec<u32> {
        match self {
            Self::NextItem => Vec::new(),
            Self::LeaveOneOut => {
                let mut rows: Vec<u32> = input.iter().filter_map(|event| event.row).collect();
                rows.sort_unstable();
                rows.dedup();
                rows
            }
        }
    }

    /// The four measures that papers report under this protocol, by the names they use.
    pub fn shown<T>(self, measures: Measures<T>) -> [(&'static str, T); 4] {
        match self {
            Self::NextItem => [
                ("P@20", measures.p20),
                ("MRR@20", measures.mrr20),
                ("HR@10", measures.hr10),
                ("NDCG@10", measures.ndcg10),
            ],
            Self::LeaveOneOut => [
                ("HR@10", measures.hr10),
                ("NDCG@10", measures.ndcg10),
                ("HR@20", measures.p20),
                ("NDCG@20", measures.ndcg20),
            ],
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NextItem => "next-item",
            Self::LeaveOneOut => "leave-one-out",
        })
    }
}

/// Which protocol was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProtocolChoice {
    /// Leave one out where the data are made for it, else next item.
    #[default]
    Auto,
    /// This one, whatever the data.
    Fixed(Protocol),
}

impl ProtocolChoice {
    /// The protocol for data that are made for leaving one out, or are not.
    pub fn resolve(self, leaves_one_out: bool) -> Protocol {
        match self {
            Self::Fixed(protocol) => protocol,
            Self::Auto if leaves_one_out => Protocol::LeaveOneOut,
            Self::Auto => Protocol::NextItem,
        }
    }
}

impl FromStr for ProtocolChoice {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "auto" => Ok(Self::Auto),
            "next-item" => Ok(Self::Fixed(Protocol::NextItem)),
            "leave-one-out" => Ok(Self::Fixed(Protocol::LeaveOneOut)),
            other => Err(format!(
                "'{other}' is not a protocol: use next-item, leave-one-out or auto"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Sessions;
    use vitrine_core::Action;

    #[test]
    fn leaving_one_out_keeps_the_last_example_of_each_session() {
        let test = Examples {
            sessions: Sessions::new(),
            at: vec![(0, 1), (0, 2), (2, 4), (3, 1), (3, 2), (3, 3)],
        };
        let left_out = Protocol::LeaveOneOut.examples(&test);
        assert_eq!(left_out.at, [(0, 2), (2, 4), (3, 3)]);
        assert_eq!(Protocol::NextItem.examples(&test).at, test.at);
    }

    #[test]
    fn the_mask_is_the_whole_input_and_empty_for_the_next_item() {
        let input = [Some(5), None, Some(2), Some(5)].map(|row| Event {
            row,
            action: Action::Buy,
        });
        assert_eq!(Protocol::LeaveOneOut.masked(&input), [2, 5]);
        assert!(Protocol::NextItem.masked(&input).is_empty());
    }

    #[test]
    fn a_choice_is_read_by_name_and_auto_follows_the_data() {
        let auto: ProtocolChoice = "auto".parse().expect("a choice");
        assert_eq!(auto.resolve(true), Protocol::LeaveOneOut);
        assert_eq!(auto.resolve(false), Protocol::NextItem);
        let fixed: ProtocolChoice = "next-item".parse().expect("a choice");
        assert_eq!(fixed.resolve(true), Protocol::NextItem);
        let refused = "sampled".parse::<ProtocolChoice>().expect_err("no choice");
        assert!(refused.contains("leave-one-out"), "{refused}");
    }
}
