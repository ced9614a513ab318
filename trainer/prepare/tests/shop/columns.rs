//! Ids that look like nothing, hints in errors, and commands that a shell takes.

use crate::support::{Shop, notice};

#[test]
fn an_id_that_elsewhere_means_nothing_is_kept_and_said() {
    let shop = Shop::with(
        "log.csv",
        "user_id,item_id,timestamp,title\n\
         u,NA,1717236000,NA\nv,null,1717236010,\nu,0,1717236020,\nu,\\N,1717236030,\nu,,1717236040,\n",
    )
    .and("map.toml", "[events]\nnothing = [\"NA\", \"null\"]\n");
    let (summary, prepared) = shop.read("log.csv");
    let items: Vec<_> = prepared.items.keys().map(String::as_str).collect();
    assert_eq!(items, ["0", "NA", "null"]);
    // A title of that name is none.
    assert_eq!(prepared.items["NA"].title, None);
    assert_eq!(
        prepared.dropped(),
        [("missing_item", 5), ("missing_item", 6)]
    );
    let (finding, advice) = notice(&summary, "ids_like_nothing");
    assert!(
        finding.contains("2 of 5 rows")
            && finding.contains("item_id")
            && finding.contains("'NA' (1 rows)")
            && advice.contains("nothing = [\"NA\"]"),
        "{finding} {advice}"
    );
    let mut options = shop.options("log.csv");
    options.mapping = Some(shop.path("map.toml"));
    options.max_bad_rows = 1.0;
    let (_, prepared) = shop.prepare(&options).unwrap();
    assert!(prepared.items.keys().eq(["0"]));
}

const SHOPIFY: &str = "Name,Email,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem fulfillment status,Lineitem code\n\
    #1,u@x,2024-06-01 10:00:00 +0200,1,Mug,5,fulfilled,M-1\n";

#[test]
fn a_hint_never_names_a_column_that_holds_something_else() {
    let shop = Shop::with("orders.csv", SHOPIFY);
    let error = shop.error("orders.csv");
    assert!(
        !error.contains("Did you mean") && error.contains("--column item_id=COLUMN"),
        "{error}"
    );
    // Olist: a line's number and a seller are neither an item nor a customer.
    let shop = Shop::with(
        "items.csv",
        "order_id,order_item_id,seller_id,shipping_limit_date,price\n1,1,s1,2017-09-19 09:45:35,58.90\n",
    );
    let error = shop.error("items.csv");
    assert!(!error.contains("Did you mean"), "{error}");
    let shop = Shop::with("items.csv", "product_id,seller_id,price\np1,s1,58.90\n");
    let error = shop.error("items.csv");
    assert!(
        error.contains("no column for user_id or session_id") && !error.contains("Did you mean"),
        "{error}"
    );
    // The name is like it, the values are dates.
    let shop = Shop::with("log.csv", "user_id,itm_id\nu,2024-06-01\n");
    assert!(!shop.error("log.csv").contains("Did you mean"));
}

#[test]
fn a_command_in_an_error_is_quoted_as_the_shell_needs_it() {
    let shop = Shop::with("orders.csv", "Customer Id,Viewed product id\nu,M-1\n");
    let error = shop.error("orders.csv");
    assert!(
        error.contains("Did you mean 'Viewed product id'?")
            && error.contains("--column 'item_id=Viewed product id'"),
        "{error}"
    );
}
