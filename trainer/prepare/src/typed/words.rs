//! Words that shop systems use for stock and for the state of an order.
//!
//! Words are compared in plain form ([`crate::columns::plain`]): letters and digits, lower case.

use super::number::{Decimal, Measure, Numbers};
use crate::columns::plain;

/// True if an item with this availability can be sold; `None` where the word is not known.
///
/// Goods that can be ordered before they are there (`preorder`, `backorder`) can be sold.
pub(crate) fn stock(text: &str) -> Option<bool> {
    // `https://schema.org/InStock`
    let text = text.trim_end_matches('/');
    let word = match text.rsplit_once('/') {
        Some((address, word)) if address.contains("schema.org") => word,
        _ => text,
    };
    match plain(word).as_str() {
        // Google, schema.org, WooCommerce, Magento.
        "true"
        | "t"
        | "yes"
        | "y"
        | "in"
        | "instock"
        | "available"
        | "availablefororder"
        | "availablenow"
        | "onstock"
        | "lowstock"
        | "limitedavailability"
        | "limited"
        | "limitedstock"
        | "onlineonly"
        | "preorder"
        | "presale"
        | "backorder"
        | "onbackorder"
        | "availableonbackorder"
        | "madetoorder"
        | "readytoship" => Some(true),
        "false"
        | "f"
        | "no"
        | "n"
        | "out"
        | "outofstock"
        | "oos"
        | "soldout"
        | "unavailable"
        | "notavailable"
        | "notinstock"
        | "nostock"
        | "temporarilyoutofstock"
        | "discontinued"
        | "instoreonly"
        | "reserved"
        | "comingsoon" => Some(false),
        // German
        "ja" | "auflager" | "lagernd" | "vorrätig" | "verfügbar" | "lieferbar"
        | "sofortlieferbar" | "sofortverfügbar" | "vorbestellbar" => Some(true),
        "nein" | "nichtauflager" | "nichtvorrätig" | "nichtverfügbar" | "nichtlieferbar"
        | "ausverkauft" | "vergriffen" => Some(false),
        // French
        "oui" | "enstock" | "disponible" | "précommande" => Some(true),
        "non" | "horsstock" | "rupturedestock" | "enrupture" | "enrupturedestock" | "épuisé"
        | "indisponible" | "nondisponible" => Some(false),
        // Spanish
        "sí" | "si" | "enexistencia" => Some(true),
        "agotado" | "sinstock" | "sinexistencias" | "fueradestock" | "nodisponible" => Some(false),
        _ => level(text).map(|level| level > 0.0),
    }
}

/// A stock level: `12`, `12 pcs`, `10+`, `> 5`, `3 in stock`.
fn level(text: &str) -> Option<f64> {
    let text = text.trim().trim_start_matches(['>', '≥', '~']);
    let text = text.trim_end_matches('+').trim();
    let text = text.strip_suffix("in stock").unwrap_or(text).trim();
    Numbers::new(Measure::Other, Decimal::Point).read(text).ok()
}

/// Yes or no.
pub(crate) fn truth(text: &str) -> Option<bool> {
    match plain(text).as_str() {
        "true" | "t" | "yes" | "y" | "1" | "10" | "ja" | "oui" | "si" | "sí" => Some(true),
        "false" | "f" | "no" | "n" | "0" | "00" | "nein" | "non" => Some(false),
        _ => None,
    }
}

/// Effect of an order's state on its lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sale {
    /// Bought: placed, paid, sent, or in the course of it.
    Made,
    /// Cancelled, refunded, failed, or not paid.
    Void,
}

impl Sale {
    /// The state under this name of Vitrine.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "sale" => Some(Self::Made),
            "void" => Some(Self::Void),
            _ => None,
        }
    }

    /// The state for which shop systems use this word, given in plain form.
    pub(crate) fn from_common_word(plain: &str) -> Option<Self> {
        // WooCommerce keeps `wc-completed`.
        let word = plain.strip_prefix("wc").unwrap_or(plain);
        Some(match word {
            "paid" | "partiallypaid" | "authorized" | "authorised" | "partiallyrefunded"
            | "complete" | "completed" | "processing" | "onhold" | "holded" | "new" | "open"
            | "created" | "placed" | "confirmed" | "accepted" | "approved" | "invoiced"
            | "shipped" | "partiallyshipped" | "dispatched" | "sent" | "intransit"
            | "delivered" | "fulfilled" | "unfulfilled" | "partiallyfulfilled" | "partial"
            | "readyforpickup" | "pickedup" | "success" | "successful" | "succeeded"
            | "settled" | "captured" | "sold" | "closedwon" => Self::Made,
            "canceled" | "cancelled" | "cancel" | "canceledbycustomer" | "cancelledbycustomer"
            | "refunded" | "refund" | "fullyrefunded" | "returned" | "return" | "failed"
            | "failure" | "pending" | "pendingpayment" | "awaitingpayment" | "paymentpending"
            | "pendingpaypal" | "paymentreview" | "unpaid" | "voided" | "void" | "expired"
            | "declined" | "denied" | "rejected" | "reversed" | "chargeback" | "chargedback"
            | "fraud" | "suspectedfraud" | "paymenterror" | "paypalcanceledreversal"
            | "paypalreversed" | "draft" | "checkoutdraft" | "abandoned" | "trash" | "deleted"
            // Magento closes an order whose money was all given back.
            | "closed" | "unavailable" => Self::Void,
            // German
            "bezahlt" | "abgeschlossen" | "versendet" | "versandt" | "geliefert" | "inbearbeitung" => {
                Self::Made
            }
            "storniert" | "erstattet" | "fehlgeschlagen" | "abgebrochen" | "zahlungausstehend"
            | "zurückgesendet" => Self::Void,
            // French
            "payé" | "payée" | "terminé" | "terminée" | "expédié" | "expédiée" | "livré"
            | "livrée" => Self::Made,
            "annulé" | "annulée" | "remboursé" | "remboursée" | "échoué" | "échouée" => Self::Void,
            // Spanish
            "pagado" | "completado" | "enviado" | "entregado" => Self::Made,
            "cancelado" | "cancelada" | "reembolsado" | "reembolsada" | "fallido" => Self::Void,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_availability_words_of_shop_systems_are_read() {
        for text in [
            "in_stock",
            "in stock",
            "InStock",
            "https://schema.org/InStock",
            "http://schema.org/InStock/",
            "preorder",
            "PreOrder",
            "backorder",
            "onbackorder",
            "Available",
            "TRUE",
            "1",
            "12",
            "12.0",
            "10+",
            "> 5",
            "3 in stock",
            "5 pcs",
            "Auf Lager",
            "disponible",
            "En stock",
            "limited availability",
        ] {
            assert_eq!(stock(text), Some(true), "{text}");
        }
        for text in [
            "out_of_stock",
            "out of stock",
            "Out-of-Stock",
            "OutOfStock",
            "https://schema.org/OutOfStock",
            "sold out",
            "discontinued",
            "Unavailable",
            "0",
            "-2",
            "no",
            "0 pcs",
            "0 in stock",
            "ausverkauft",
            "nicht auf Lager",
            "rupture de stock",
            "agotado",
            "Sin existencias",
        ] {
            assert_eq!(stock(text), Some(false), "{text}");
        }
        for text in [
            "perhaps",
            "ask us",
            "https://shop.example/InStock",
            "5-10 days",
            "instock?maybe",
        ] {
            assert_eq!(stock(text), None, "{text}");
        }
    }

    #[test]
    fn order_states_of_shop_systems_are_sales_or_void() {
        let sale = |text: &str| Sale::from_common_word(&plain(text));
        for text in [
            "paid",
            "wc-completed",
            "Processing",
            "on-hold",
            "partially_refunded",
            "complete",
        ] {
            assert_eq!(sale(text), Some(Sale::Made), "{text}");
        }
        for text in [
            "cancelled",
            "Canceled",
            "refunded",
            "wc-failed",
            "pending",
            "Pending payment",
            "voided",
            "expired",
            "closed",
            "pending_payment",
            "storniert",
            "annulée",
        ] {
            assert_eq!(sale(text), Some(Sale::Void), "{text}");
        }
        assert_eq!(sale("packed by hand"), None);
    }
}
