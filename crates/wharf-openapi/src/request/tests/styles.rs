//! How values are written: the standard's table, and what it leaves open.

use super::*;

const EMPTY: &str = r#""""#;
const TEXT: &str = r#""blue""#;
const LIST: &str = r#"["blue","black","brown"]"#;
const OBJECT: &str = r#"{"R":100,"G":200,"B":150}"#;

/// OpenAPI 3.1.1 §4.8.12.6, the examples of its table, with the path styles' values between `/x/` and `/y`.
#[test]
fn styles_write_what_the_standard_shows() {
    for (location, style, explode, value, expected) in [
        (Location::Path, Style::Matrix, false, EMPTY, "/x/;color/y"),
        (
            Location::Path,
            Style::Matrix,
            false,
            TEXT,
            "/x/;color=blue/y",
        ),
        (
            Location::Path,
            Style::Matrix,
            false,
            LIST,
            "/x/;color=blue,black,brown/y",
        ),
        (
            Location::Path,
            Style::Matrix,
            false,
            OBJECT,
            "/x/;color=R,100,G,200,B,150/y",
        ),
        (Location::Path, Style::Matrix, true, EMPTY, "/x/;color/y"),
        (
            Location::Path,
            Style::Matrix,
            true,
            TEXT,
            "/x/;color=blue/y",
        ),
        (
            Location::Path,
            Style::Matrix,
            true,
            LIST,
            "/x/;color=blue;color=black;color=brown/y",
        ),
        (
            Location::Path,
            Style::Matrix,
            true,
            OBJECT,
            "/x/;R=100;G=200;B=150/y",
        ),
        (Location::Path, Style::Label, false, TEXT, "/x/.blue/y"),
        (
            Location::Path,
            Style::Label,
            false,
            LIST,
            "/x/.blue,black,brown/y",
        ),
        (
            Location::Path,
            Style::Label,
            false,
            OBJECT,
            "/x/.R,100,G,200,B,150/y",
        ),
        (Location::Path, Style::Label, true, TEXT, "/x/.blue/y"),
        (
            Location::Path,
            Style::Label,
            true,
            LIST,
            "/x/.blue.black.brown/y",
        ),
        (
            Location::Path,
            Style::Label,
            true,
            OBJECT,
            "/x/.R=100.G=200.B=150/y",
        ),
        (Location::Path, Style::Simple, false, TEXT, "/x/blue/y"),
        (
            Location::Path,
            Style::Simple,
            false,
            LIST,
            "/x/blue,black,brown/y",
        ),
        (
            Location::Path,
            Style::Simple,
            false,
            OBJECT,
            "/x/R,100,G,200,B,150/y",
        ),
        (Location::Path, Style::Simple, true, TEXT, "/x/blue/y"),
        (
            Location::Path,
            Style::Simple,
            true,
            LIST,
            "/x/blue,black,brown/y",
        ),
        (
            Location::Path,
            Style::Simple,
            true,
            OBJECT,
            "/x/R=100,G=200,B=150/y",
        ),
        (Location::Query, Style::Form, false, EMPTY, "/x?color="),
        (Location::Query, Style::Form, false, TEXT, "/x?color=blue"),
        (
            Location::Query,
            Style::Form,
            false,
            LIST,
            "/x?color=blue,black,brown",
        ),
        (
            Location::Query,
            Style::Form,
            false,
            OBJECT,
            "/x?color=R,100,G,200,B,150",
        ),
        (Location::Query, Style::Form, true, EMPTY, "/x?color="),
        (Location::Query, Style::Form, true, TEXT, "/x?color=blue"),
        (
            Location::Query,
            Style::Form,
            true,
            LIST,
            "/x?color=blue&color=black&color=brown",
        ),
        (
            Location::Query,
            Style::Form,
            true,
            OBJECT,
            "/x?R=100&G=200&B=150",
        ),
        (
            Location::Query,
            Style::SpaceDelimited,
            false,
            LIST,
            "/x?color=blue%20black%20brown",
        ),
        (
            Location::Query,
            Style::SpaceDelimited,
            false,
            OBJECT,
            "/x?color=R%20100%20G%20200%20B%20150",
        ),
        (
            Location::Query,
            Style::SpaceDelimited,
            true,
            LIST,
            "/x?color=blue&color=black&color=brown",
        ),
        (
            Location::Query,
            Style::PipeDelimited,
            false,
            LIST,
            "/x?color=blue%7Cblack%7Cbrown",
        ),
        (
            Location::Query,
            Style::PipeDelimited,
            false,
            OBJECT,
            "/x?color=R%7C100%7CG%7C200%7CB%7C150",
        ),
        (
            Location::Query,
            Style::PipeDelimited,
            true,
            LIST,
            "/x?color=blue&color=black&color=brown",
        ),
        (
            Location::Query,
            Style::DeepObject,
            true,
            OBJECT,
            "/x?color%5BR%5D=100&color%5BG%5D=200&color%5BB%5D=150",
        ),
    ] {
        let plan = plan_with(parameter("color", location, styled(style, explode)));
        let request = request(&plan, &format!(r#"{{"color":{value}}}"#));
        assert_eq!(
            request.target, expected,
            "{style:?} explode={explode} {value}"
        );
    }
}

#[test]
fn queries_beyond_the_standards_table() {
    let deep = Style::DeepObject;
    for (style, explode, value, expected) in [
        // Numbers as they were written.
        (
            Style::Form,
            true,
            "12345678901234567890123",
            "?p=12345678901234567890123",
        ),
        (Style::Form, true, "1.10", "?p=1.10"),
        (Style::Form, true, "false", "?p=false"),
        // Escapes are undone, unless they stand for no text.
        (
            Style::Form,
            true,
            r#""\u00e9\ud83d\ude00\/""#,
            "?p=%C3%A9%F0%9F%98%80%2F",
        ),
        (Style::Form, true, r#""a\ud800""#, "?p=a%5Cud800"),
        // Nothing to write.
        (Style::Form, true, "null", ""),
        (Style::Form, true, "[]", ""),
        (Style::Form, false, "[]", ""),
        (Style::Form, true, "{}", ""),
        (Style::Form, true, "[null]", ""),
        (Style::SpaceDelimited, false, "[]", ""),
        (deep, true, "{}", ""),
        (deep, true, r#"{"a":null,"b":[],"c":{}}"#, ""),
        (Style::Form, false, r#"[1,null,""]"#, "?p=1,"),
        (Style::Form, true, r#"{"a":null,"b":1}"#, "?b=1"),
        // The delimiter inside of a value stays apart from the delimiter.
        (Style::Form, false, r#"["a,b","c"]"#, "?p=a%2Cb,c"),
        (
            Style::Form,
            true,
            r#""a&b=c d+e#f""#,
            "?p=a%26b%3Dc%20d%2Be%23f",
        ),
        // Values in values.
        (
            Style::Form,
            true,
            r#"[{"a":1},[2]]"#,
            "?p=%7B%22a%22%3A1%7D&p=%5B2%5D",
        ),
        (
            Style::Form,
            true,
            r#"{"a":{"b":1}}"#,
            "?a=%7B%22b%22%3A1%7D",
        ),
        (
            Style::PipeDelimited,
            false,
            r#"["a",{"b":1}]"#,
            "?p=a%7C%7B%22b%22%3A1%7D",
        ),
        // deepObject at any depth.
        (
            deep,
            true,
            r#"{"a":{"b":{"c":1}}}"#,
            "?p%5Ba%5D%5Bb%5D%5Bc%5D=1",
        ),
        (
            deep,
            true,
            r#"{"a":[1,"x y"]}"#,
            "?p%5Ba%5D%5B%5D=1&p%5Ba%5D%5B%5D=x%20y",
        ),
        (
            deep,
            true,
            r#"{"a":[{"b":1,"c":[2]},{"b":3}]}"#,
            "?p%5Ba%5D%5B0%5D%5Bb%5D=1&p%5Ba%5D%5B0%5D%5Bc%5D%5B%5D=2&p%5Ba%5D%5B1%5D%5Bb%5D=3",
        ),
        (
            deep,
            true,
            r#"{"a":[[1,2],3]}"#,
            "?p%5Ba%5D%5B0%5D%5B%5D=1&p%5Ba%5D%5B0%5D%5B%5D=2&p%5Ba%5D%5B1%5D=3",
        ),
        (deep, false, r#"{"a":1}"#, "?p%5Ba%5D=1"),
        (deep, true, r#"["x"]"#, "?p%5B%5D=x"),
        (deep, true, "5", "?p=5"),
        (deep, true, r#"{"a]":"é"}"#, "?p%5Ba%5D%5D=%C3%A9"),
    ] {
        let plan = plan_with(parameter("p", Location::Query, styled(style, explode)));
        let request = request(&plan, &format!(r#"{{"p":{value}}}"#));
        assert_eq!(
            request.target[2..],
            *expected,
            "{style:?} explode={explode} {value}"
        );
    }
}

#[test]
fn names_survive_on_the_wire() {
    for (name, expected) in [
        ("filter[x]", "/x?filter%5Bx%5D=1"),
        ("$top", "/x?%24top=1"),
        ("a.b-c_d~e", "/x?a.b-c_d~e=1"),
        ("two words", "/x?two%20words=1"),
        ("größe", "/x?gr%C3%B6%C3%9Fe=1"),
    ] {
        let mut parameter = parameter(name, Location::Query, styled(Style::Form, true));
        parameter.argument = "argument".to_owned();
        let request = request(&plan_with(parameter), r#"{"argument":1}"#);
        assert_eq!(request.target, expected, "{name}");
    }
}

#[test]
fn reserved_characters_stay_where_allowed() {
    for (location, value, expected) in [
        (Location::Query, "a/b?c:d@e,f;g=h", "/x?p=a/b?c:d@e,f;g=h"),
        // What would end the value or change it never stays.
        (Location::Query, "a&b#c+d", "/x?p=a%26b%23c%2Bd"),
        (Location::Query, "100%25 é", "/x?p=100%25%20%C3%A9"),
        (Location::Path, "a:b@c,d", "/x/a:b@c,d/y"),
        (Location::Path, "a/b?c#d", "/x/a%2Fb%3Fc%23d/y"),
    ] {
        let style = if location == Location::Path {
            Style::Simple
        } else {
            Style::Form
        };
        let serialization = Serialization::Style {
            style,
            explode: false,
            allow_reserved: true,
        };
        let plan = plan_with(parameter("p", location, serialization));
        let request = request(&plan, &format!(r#"{{"p":"{value}"}}"#));
        assert_eq!(request.target, expected, "{location:?} {value}");
    }
}

#[test]
fn content_parameters_are_one_text() {
    let json = r#"{"a":[1, 2.50],"b":null}"#;
    for (media_type, location, value, expected) in [
        (
            "application/json",
            Location::Query,
            json,
            "/x?p=%7B%22a%22%3A%5B1%2C%202.50%5D%2C%22b%22%3Anull%7D",
        ),
        (
            "application/json",
            Location::Query,
            r#""a""#,
            "/x?p=%22a%22",
        ),
        (
            "application/vnd.a+json; v=1",
            Location::Query,
            "[]",
            "/x?p=%5B%5D",
        ),
        ("text/plain", Location::Query, r#""a b""#, "/x?p=a%20b"),
        ("application/json", Location::Path, "[1]", "/x/%5B1%5D/y"),
    ] {
        let serialization = Serialization::Content(media_type.to_owned());
        let plan = plan_with(parameter("p", location, serialization));
        let request = request(&plan, &format!(r#"{{"p":{value}}}"#));
        assert_eq!(request.target, expected, "{media_type} {value}");
    }
    let plan = plan_with(parameter(
        "X-P",
        Location::Header,
        Serialization::Content("application/json".to_owned()),
    ));
    let built = request(&plan, "{\"X-P\":{\"a\":\n [1]}}");
    assert_eq!(header(&built, "x-p"), Some(r#"{"a":[1]}"#));
}

#[test]
fn headers_are_simple_and_not_encoded() {
    for (explode, value, expected) in [
        (false, "5", Some("5")),
        (false, "true", Some("true")),
        (
            false,
            "12345678901234567890123",
            Some("12345678901234567890123"),
        ),
        (false, r#""a b/c?d=e%20""#, Some("a b/c?d=e%20")),
        (false, r#""grün""#, Some("grün")),
        (false, LIST, Some("blue,black,brown")),
        (true, LIST, Some("blue,black,brown")),
        (false, OBJECT, Some("R,100,G,200,B,150")),
        (true, OBJECT, Some("R=100,G=200,B=150")),
        (false, r#"{"a":{"b":1}}"#, Some(r#"a,{"b":1}"#)),
        (false, EMPTY, Some("")),
        (false, "[]", None),
        (false, "null", None),
    ] {
        let serialization = styled(Style::Simple, explode);
        let plan = plan_with(parameter("X-P", Location::Header, serialization));
        let built = request(&plan, &format!(r#"{{"X-P":{value}}}"#));
        assert_eq!(header(&built, "x-p"), expected, "explode={explode} {value}");
    }
}

#[test]
fn cookies_share_one_header() {
    let mut plan = plan();
    for (name, explode) in [("a", true), ("b", false), ("c", true), ("d", true)] {
        let serialization = styled(Style::Form, explode);
        plan.parameters
            .push(parameter(name, Location::Cookie, serialization));
    }
    for (arguments, expected) in [
        (r#"{"a":"x; y=z","c":true}"#, Some("a=x%3B%20y%3Dz; c=true")),
        (r#"{"a":[1,2],"b":[3,4]}"#, Some("a=1; a=2; b=3,4")),
        (r#"{"d":{"k":"v"},"b":{"m":1}}"#, Some("b=m,1; k=v")),
        (r#"{"a":null,"b":[]}"#, None),
    ] {
        let built = request(&plan, arguments);
        assert_eq!(header(&built, "cookie"), expected, "{arguments}");
    }
}
