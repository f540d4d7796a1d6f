//! Bodies that are not multipart.

use super::*;

#[test]
fn json_goes_through_as_it_was_written() {
    let object = members(&["b", "a", "x y", "q\"uote"]);
    let open = BodyArguments::Members {
        members: vec![("name".to_owned(), "name".to_owned())],
        open: true,
    };
    let renamed = BodyArguments::Members {
        members: vec![("id__body".to_owned(), "id".to_owned())],
        open: false,
    };
    for (arguments_of_body, required, arguments, expected) in [
        // In the plan's order, numbers untouched.
        (
            &object,
            false,
            r#"{"a":12345678901234567890123,"b":1.10}"#,
            Some(r#"{"b":1.10,"a":12345678901234567890123}"#),
        ),
        (
            &object,
            false,
            r#"{"x y":"\u00e9 \" \n","q\"uote":[ 1 , {"c":null} ]}"#,
            Some(r#"{"x y":"\u00e9 \" \n","q\"uote":[ 1 , {"c":null} ]}"#),
        ),
        (&object, false, r#"{"a":null}"#, Some(r#"{"a":null}"#)),
        (&object, false, r#"{"a":1,"a":2}"#, Some(r#"{"a":2}"#)),
        (&object, false, "{}", None),
        (&object, true, "{}", Some("{}")),
        (&renamed, false, r#"{"id__body":1}"#, Some(r#"{"id":1}"#)),
        (
            &open,
            false,
            r#"{"z":1,"name":"n","a\nb":{},"z":2}"#,
            Some(r#"{"name":"n","a\nb":{},"z":2}"#),
        ),
        (&open, false, r#"{"any":1}"#, Some(r#"{"any":1}"#)),
        (&open, false, "{}", None),
        (
            &whole(),
            false,
            r#"{"body":{"k":{"v":1}}}"#,
            Some(r#"{"k":{"v":1}}"#),
        ),
        (&whole(), false, r#"{"body":[1,2]}"#, Some("[1,2]")),
        (&whole(), false, r#"{"body":"text"}"#, Some("\"text\"")),
        (&whole(), false, r#"{"body":1.50}"#, Some("1.50")),
        (&whole(), false, r#"{"body":false}"#, Some("false")),
        (&whole(), false, r#"{"body":null}"#, Some("null")),
        (&whole(), false, "{}", None),
    ] {
        let mut plan = posting(
            "application/json",
            BodyEncoding::Json,
            arguments_of_body.clone(),
        );
        plan.body.as_mut().unwrap().required = required;
        let built = request(&plan, arguments);
        assert_eq!(
            body_text(&built),
            expected.unwrap_or_default(),
            "{arguments}"
        );
        let content_type = expected.map(|_| "application/json");
        assert_eq!(header(&built, "content-type"), content_type, "{arguments}");
    }
}

#[test]
fn an_open_body_takes_what_belongs_to_nothing_else() {
    let mut plan = posting(
        "application/json",
        BodyEncoding::Json,
        BodyArguments::Members {
            members: Vec::new(),
            open: true,
        },
    );
    plan.parameters
        .push(parameter("q", Location::Query, styled(Style::Form, true)));
    plan.parameters
        .push(parameter("n", Location::Query, styled(Style::Form, true)));
    let built = request(&plan, r#"{"a":1,"q":2,"b":3,"n":null}"#);
    assert_eq!(built.target, "/x?q=2");
    assert_eq!(body_text(&built), r#"{"a":1,"b":3}"#);
}

#[test]
fn bodies_have_the_declared_type() {
    let binary = || BodyEncoding::Binary;
    for (media_type, encoding, value, content_type, expected) in [
        (
            "application/merge-patch+json",
            BodyEncoding::Json,
            r#"{"a":null}"#,
            "application/merge-patch+json",
            r#"{"a":null}"#,
        ),
        (
            "application/json-patch+json",
            BodyEncoding::Json,
            "[]",
            "application/json-patch+json",
            "[]",
        ),
        (
            "application/vnd.x.v1+json; v=2",
            BodyEncoding::Json,
            "1",
            "application/vnd.x.v1+json; v=2",
            "1",
        ),
        ("*/*", BodyEncoding::Json, "1", "application/json", "1"),
        (
            "text/plain",
            BodyEncoding::Text,
            r#""a\nb""#,
            "text/plain",
            "a\nb",
        ),
        (
            "text/plain",
            BodyEncoding::Text,
            r#""é""#,
            "text/plain; charset=utf-8",
            "é",
        ),
        (
            "text/csv;charset=UTF-8",
            BodyEncoding::Text,
            r#""é""#,
            "text/csv;charset=UTF-8",
            "é",
        ),
        (
            "application/xml",
            BodyEncoding::Text,
            r#""<a>é</a>""#,
            "application/xml",
            "<a>é</a>",
        ),
        (
            "text/plain",
            BodyEncoding::Text,
            "12.0",
            "text/plain",
            "12.0",
        ),
        (
            "text/plain",
            BodyEncoding::Text,
            r#"{"a":1}"#,
            "text/plain",
            r#"{"a":1}"#,
        ),
        ("text/*", BodyEncoding::Text, r#""a""#, "text/plain", "a"),
        (
            "application/octet-stream",
            binary(),
            r#""aGk=""#,
            "application/octet-stream",
            "hi",
        ),
        (
            "image/png",
            binary(),
            r#""data:image/gif;base64,aGk=""#,
            "image/png",
            "hi",
        ),
        (
            "image/*",
            binary(),
            r#""data:image/gif;base64,aGk=""#,
            "image/gif",
            "hi",
        ),
        (
            "*/*",
            binary(),
            r#""aGk""#,
            "application/octet-stream",
            "hi",
        ),
        (
            "*/*",
            binary(),
            r#"{"data":"aGk","mime_type":"a/b"}"#,
            "a/b",
            "hi",
        ),
    ] {
        let plan = posting(media_type, encoding, whole());
        let built = request(&plan, &format!(r#"{{"body":{value}}}"#));
        assert_eq!(
            header(&built, "content-type"),
            Some(content_type),
            "{media_type} {value}"
        );
        assert_eq!(body_text(&built), expected, "{media_type} {value}");
    }
}

#[test]
fn bodies_that_cannot_be_are_refused() {
    let form = || BodyEncoding::Form(Vec::new());
    for (encoding, required, arguments, expected) in [
        (
            BodyEncoding::Json,
            true,
            "{}",
            Complaint::Missing("body".to_owned()),
        ),
        (
            BodyEncoding::Text,
            true,
            r#"{"body":null}"#,
            Complaint::Missing("body".to_owned()),
        ),
        (
            BodyEncoding::Binary,
            false,
            r#"{"body":"no base64"}"#,
            Complaint::NotBase64("body".to_owned()),
        ),
        (
            form(),
            false,
            r#"{"body":[1]}"#,
            Complaint::NotObject("body".to_owned()),
        ),
    ] {
        let mut plan = posting("a/b", encoding, whole());
        plan.body.as_mut().unwrap().required = required;
        assert_eq!(
            try_request(&plan, arguments).err(),
            Some(expected),
            "{arguments}"
        );
    }
    let plan = posting("a/b\r\nX: y", BodyEncoding::Json, whole());
    assert!(matches!(
        try_request(&plan, r#"{"body":1}"#),
        Err(Complaint::UnusableMediaType(_))
    ));
}

#[test]
fn forms_follow_their_encoding() {
    let with = |style: Style, explode: bool| PartEncoding {
        style: Some((style, explode)),
        ..plainly("p")
    };
    let json = PartEncoding {
        content_type: Some("application/json".to_owned()),
        ..plainly("p")
    };
    let reserved = PartEncoding {
        allow_reserved: true,
        ..plainly("p")
    };
    let deep = with(Style::DeepObject, true);
    for (encoding, value, expected) in [
        (&plainly("p"), r#""a b&c=d""#, "p=a%20b%26c%3Dd"),
        (&plainly("p"), "1.10", "p=1.10"),
        (&plainly("p"), r#""""#, "p="),
        (&plainly("p"), "null", ""),
        (&plainly("p"), "[1,null,2]", "p=1&p=2"),
        (&plainly("p"), "[]", ""),
        (&plainly("p"), r#"{"a":1}"#, "p=%7B%22a%22%3A1%7D"),
        (&plainly("p"), r#"[{"a":1}]"#, "p=%7B%22a%22%3A1%7D"),
        (&json, r#""a""#, "p=%22a%22"),
        (&json, "[1,2]", "p=1&p=2"),
        (&reserved, r#""a/b?c&d""#, "p=a/b?c%26d"),
        (&with(Style::Form, true), "[1,2]", "p=1&p=2"),
        (&with(Style::Form, false), "[1,2]", "p=1,2"),
        (&with(Style::Form, true), r#"{"a":1,"b":2}"#, "a=1&b=2"),
        (
            &with(Style::SpaceDelimited, false),
            r#"["a","b"]"#,
            "p=a%20b",
        ),
        (
            &with(Style::PipeDelimited, false),
            r#"["a","b"]"#,
            "p=a%7Cb",
        ),
        // As Stripe's documents declare and its servers read.
        (
            &deep,
            r#"["data.customer","x"]"#,
            "p%5B%5D=data.customer&p%5B%5D=x",
        ),
        (&deep, r#"{"order_id":"6735"}"#, "p%5Border_id%5D=6735"),
        (
            &deep,
            r#"[{"price":"a","quantity":2},{"price":"b","tax":["t"]}]"#,
            "p%5B0%5D%5Bprice%5D=a&p%5B0%5D%5Bquantity%5D=2&p%5B1%5D%5Bprice%5D=b&p%5B1%5D%5Btax%5D%5B%5D=t",
        ),
        (&deep, r#""""#, "p="),
    ] {
        let encoding_of_body = BodyEncoding::Form(vec![encoding.clone()]);
        for (arguments_of_body, arguments) in [
            (members(&["p"]), format!(r#"{{"p":{value}}}"#)),
            (whole(), format!(r#"{{"body":{{"p":{value}}}}}"#)),
        ] {
            let media_type = "application/x-www-form-urlencoded";
            let plan = posting(media_type, encoding_of_body.clone(), arguments_of_body);
            let built = request(&plan, &arguments);
            assert_eq!(body_text(&built), expected, "{encoding:?} {arguments}");
            assert_eq!(
                header(&built, "content-type"),
                Some(media_type),
                "{arguments}"
            );
        }
    }
}
