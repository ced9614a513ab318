//! The zone of times that don't tell theirs.

use chrono::{DateTime, LocalResult, Offset, TimeZone};
use std::str::FromStr;

/// A zone of the IANA data base, or a fixed offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// `Europe/Berlin`
    Named(chrono_tz::Tz),
    /// `+02:00`, in milliseconds east of UTC.
    Fixed(i64),
}

impl Zone {
    /// UTC milliseconds of local ones. A time that the clocks jumped over is read by the offset
    /// before the jump; of a time that was there twice the first counts.
    pub(crate) fn to_utc(self, local_ms: i64) -> Option<i64> {
        let zone = match self {
            Self::Fixed(offset) => return local_ms.checked_sub(offset),
            Self::Named(zone) => zone,
        };
        let local = DateTime::from_timestamp_millis(local_ms)?.naive_utc();
        match zone.from_local_datetime(&local) {
            LocalResult::Single(time) | LocalResult::Ambiguous(time, _) => {
                Some(time.timestamp_millis())
            }
            LocalResult::None => {
                let before = local.checked_sub_signed(chrono::TimeDelta::hours(3))?;
                let offset = zone.offset_from_local_datetime(&before).earliest()?;
                local_ms.checked_sub(i64::from(offset.fix().local_minus_utc()) * 1000)
            }
        }
    }
}

impl std::fmt::Display for Zone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Named(zone) => f.write_str(zone.name()),
            Self::Fixed(offset) => {
                let minutes = offset.abs() / 60_000;
                let sign = if *offset < 0 { '-' } else { '+' };
                write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
        }
    }
}

impl FromStr for Zone {
    type Err = crate::options::PrepareOptionsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with(['+', '-'])
            && let Some(offset) = super::time::offset(text)
        {
            return Ok(Self::Fixed(offset));
        }
        let mut zones = chrono_tz::TZ_VARIANTS.iter();
        if let Some(zone) = zones.find(|zone| zone.name().eq_ignore_ascii_case(text)) {
            return Ok(Self::Named(*zone));
        }
        let city = |zone: &&chrono_tz::Tz| {
            zone.name()
                .rsplit('/')
                .next()
                .is_some_and(|city| city.eq_ignore_ascii_case(text))
        };
        let hint = chrono_tz::TZ_VARIANTS
            .iter()
            .find(city)
            .map_or_else(String::new, |zone| format!(" Did you mean '{zone}'?"));
        Err(crate::options::PrepareOptionsError(format!(
            "'{text}' is no time zone; write a name such as Europe/Berlin, UTC, or an offset such as +02:00.{hint}"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_follows_its_summer_time() {
        let berlin: Zone = "Europe/Berlin".parse().unwrap();
        // 2024-06-01 10:00 and 2024-01-01 10:00 on the wall.
        assert_eq!(berlin.to_utc(1_717_236_000_000), Some(1_717_228_800_000));
        assert_eq!(berlin.to_utc(1_704_103_200_000), Some(1_704_099_600_000));
        // 2024-03-31 02:30 was jumped over, 2024-10-27 02:30 was there twice.
        assert_eq!(berlin.to_utc(1_711_852_200_000), Some(1_711_848_600_000));
        assert_eq!(berlin.to_utc(1_729_996_200_000), Some(1_729_989_000_000));
        let fixed: Zone = "-05:30".parse().unwrap();
        assert_eq!(fixed.to_utc(0), Some(19_800_000));
        assert_eq!(fixed.to_string(), "-05:30");
    }

    #[test]
    fn a_wrong_zone_is_named_with_the_nearest() {
        let error = "berlin".parse::<Zone>().unwrap_err().to_string();
        assert!(error.contains("Did you mean 'Europe/Berlin'?"), "{error}");
        assert!("MEZ+1".parse::<Zone>().is_err());
    }
}
