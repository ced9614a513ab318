//! An origin, as a browser writes it.

use serde::Deserialize;

/// An origin of pages, in the very form in which a browser sends it: `https://shop.example`, or with
/// a port that is not its scheme's own. It is compared byte by byte, so another form would match
/// nothing and is refused.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Origin(String);

/// Why a text is not an origin.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{text}' is not an origin as browsers write it, which is scheme, host and a port that is not \
     the scheme's own, in lower case and without a path{hint}"
)]
pub struct NotAnOrigin {
    text: String,
    hint: String,
}

impl Origin {
    /// The origin, as a browser sends it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Origin {
    type Err = NotAnOrigin;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let origin = url::Url::parse(text).map(|url| url.origin());
        let written = match &origin {
            // An opaque origin is written `null`, and so is every other one.
            Ok(origin) if origin.is_tuple() => Some(origin.ascii_serialization()),
            _ => None,
        };
        match written {
            Some(written) if written == text => Ok(Self(written)),
            other => Err(NotAnOrigin {
                text: text.into(),
                hint: other.map_or(String::new(), |other| format!("; write '{other}'")),
            }),
        }
    }
}

impl TryFrom<String> for Origin {
    type Error = NotAnOrigin;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_origin_is_taken_as_a_browser_writes_it_and_no_other_way() {
        for origin in [
            "https://shop.example",
            "http://127.0.0.1:8080",
            "https://xn--bcher-kva.example:8443",
        ] {
            assert_eq!(origin.parse::<Origin>().unwrap().as_str(), origin);
        }
        for (text, hint) in [
            ("https://shop.example/", "write 'https://shop.example'"),
            ("https://shop.example:443", "write 'https://shop.example'"),
            ("https://Shop.example", "write 'https://shop.example'"),
            (
                "https://b\u{fc}cher.example",
                "write 'https://xn--bcher-kva.example'",
            ),
            ("https://user@shop.example", "write 'https://shop.example'"),
            ("shop.example", "not an origin"),
            ("null", "not an origin"),
            ("*", "not an origin"),
            ("file:///", "not an origin"),
            ("", "not an origin"),
        ] {
            let refused = text.parse::<Origin>().unwrap_err().to_string();
            assert!(refused.contains(hint), "{refused}");
        }
    }
}
