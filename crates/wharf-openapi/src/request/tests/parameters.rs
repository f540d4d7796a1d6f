//! Parameters: where they go and how they are written.

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
fn control_characters_never_reach_a_header() {
    let plan = plan_with(parameter(
        "X-P",
        Location::Header,
        styled(Style::Simple, false),
    ));
    for value in [
        r#""a\r\nX-Evil: 1""#,
        r#""a\nb""#,
        r#""\u0000""#,
        r#"["a","b\r"]"#,
        r#"{"a\n":1}"#,
    ] {
        let outcome = try_request(&plan, &format!(r#"{{"X-P":{value}}}"#));
        assert_eq!(
            outcome.err(),
            Some(Complaint::ControlCharacter("X-P".to_owned())),
            "{value}"
        );
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

#[test]
fn paths_cannot_be_left() {
    for (value, expected) in [
        (r#""a/../b""#, None),
        (r#""..""#, None),
        (r#"".""#, None),
        (r#""%2e%2e""#, None),
        (r#""%2E.""#, None),
        (r#""%252e%252e""#, None),
        (r#""%25252e%25252e%25252fadmin""#, None),
        (r#""..%2fadmin""#, None),
        (r#""..\\admin""#, None),
        (r#""x%5c..%5cadmin""#, None),
        (r#""..;a=b""#, None),
        (r#"["..","a"]"#, Some("..,a")),
        (r#""a/b""#, Some("a%2Fb")),
        (r#""...""#, Some("...")),
        (r#""v1.2.3""#, Some("v1.2.3")),
        (r#""50%25""#, Some("50%2525")),
        (r#"".hidden""#, Some(".hidden")),
        (r#""a?b#c""#, Some("a%3Fb%23c")),
        (r#""x\r\ny""#, Some("x%0D%0Ay")),
    ] {
        let plan = plan_with(parameter("p", Location::Path, styled(Style::Simple, false)));
        let outcome = try_request(&plan, &format!(r#"{{"p":{value}}}"#));
        let outcome = outcome.map(|request| request.target);
        let expected = expected
            .map(|expected| format!("/x/{expected}/y"))
            .ok_or_else(|| Complaint::DotSegment("p".to_owned()));
        assert_eq!(outcome, expected, "{value}");
    }
}

#[test]
fn two_values_cannot_make_a_step_together() {
    let mut plan = plan();
    plan.path = vec![
        PathPiece::Literal("/x/".to_owned()),
        PathPiece::Parameter(0),
        PathPiece::Parameter(1),
    ];
    for name in ["a", "b"] {
        plan.parameters.push(parameter(
            name,
            Location::Path,
            styled(Style::Simple, false),
        ));
    }
    for (arguments, expected) in [
        (r#"{"a":".","b":"."}"#, None),
        (r#"{"a":"%2e","b":"."}"#, None),
        (r#"{"a":".","b":"x"}"#, Some("/x/.x")),
    ] {
        let target = try_request(&plan, arguments).map(|request| request.target);
        assert_eq!(target.ok().as_deref(), expected, "{arguments}");
    }
    let label = plan_with(parameter("p", Location::Path, styled(Style::Label, false)));
    assert_eq!(
        try_request(&label, r#"{"p":"."}"#).err(),
        Some(Complaint::DotSegment("p".to_owned()))
    );
}

#[test]
fn what_must_stand_somewhere_is_asked_for() {
    let missing = |name: &str| Complaint::Missing(name.to_owned());
    let empty = |name: &str| Complaint::Empty(name.to_owned());
    for (location, style, arguments, expected) in [
        (Location::Path, Style::Simple, "{}", missing("p")),
        (Location::Path, Style::Simple, r#"{"p":null}"#, missing("p")),
        (Location::Path, Style::Simple, r#"{"p":""}"#, empty("p")),
        (Location::Path, Style::Simple, r#"{"p":[]}"#, empty("p")),
        (Location::Path, Style::Simple, r#"{"p":[""]}"#, empty("p")),
        (Location::Path, Style::Label, r#"{"p":""}"#, empty("p")),
        (Location::Path, Style::Label, r#"{"p":{}}"#, empty("p")),
        (Location::Path, Style::Matrix, r#"{"p":[]}"#, empty("p")),
        (Location::Query, Style::Form, "{}", missing("p")),
        (Location::Query, Style::Form, r#"{"p":null}"#, missing("p")),
        (Location::Header, Style::Simple, "{}", missing("p")),
        (Location::Cookie, Style::Form, "{}", missing("p")),
    ] {
        let mut parameter = parameter("p", location, styled(style, false));
        parameter.required = true;
        let outcome = try_request(&plan_with(parameter), arguments);
        assert_eq!(
            outcome.err(),
            Some(expected),
            "{location:?} {style:?} {arguments}"
        );
    }
}

#[test]
fn one_name_in_every_place() {
    let mut plan = plan_with(parameter(
        "id",
        Location::Path,
        styled(Style::Simple, false),
    ));
    plan.parameters[0].argument = "id__path".to_owned();
    for (argument, location, style) in [
        ("id__query", Location::Query, Style::Form),
        ("id__header", Location::Header, Style::Simple),
        ("id__cookie", Location::Cookie, Style::Form),
    ] {
        let mut parameter = parameter("id", location, styled(style, false));
        parameter.argument = argument.to_owned();
        plan.parameters.push(parameter);
    }
    plan.body = Some(Body {
        media_type: "application/json".to_owned(),
        encoding: BodyEncoding::Json,
        arguments: members(&["id"]),
        required: true,
    });
    let arguments = r#"{"id":1,"id__path":2,"id__query":3,"id__header":4,"id__cookie":5}"#;
    let built = request(&plan, arguments);
    assert_eq!(built.target, "/x/2/y?id=3");
    assert_eq!(header(&built, "id"), Some("4"));
    assert_eq!(header(&built, "cookie"), Some("id=5"));
    assert_eq!(body_text(&built), r#"{"id":1}"#);
}

#[test]
fn the_target_is_put_together() {
    let query = || parameter("q", Location::Query, styled(Style::Form, true));
    for (server, path, arguments, expected) in [
        (None, "/x", "{}", "/x"),
        (None, "", r#"{"q":1}"#, "/?q=1"),
        (None, "/x?action=list", r#"{"q":1}"#, "/x?action=list&q=1"),
        (
            Some("https://api.example/v2"),
            "/x",
            r#"{"q":1}"#,
            "https://api.example/v2/x?q=1",
        ),
        (
            Some("https://api.example/v2"),
            "",
            "{}",
            "https://api.example/v2/",
        ),
    ] {
        let mut plan = plan_with(query());
        plan.server = server.map(str::to_owned);
        plan.path = vec![PathPiece::Literal(path.to_owned())];
        let request = request(&plan, arguments);
        assert_eq!(request.target, expected, "{server:?} {path} {arguments}");
    }
}

#[test]
fn accept_says_what_is_expected() {
    for (accept, expected) in [
        ("", "*/*"),
        ("application/json", "application/json"),
        ("application/json, text/csv", "application/json, text/csv"),
    ] {
        let plan = Plan {
            accept: accept.to_owned(),
            ..plan()
        };
        let built = request(&plan, "{}");
        assert_eq!(header(&built, "accept"), Some(expected), "{accept}");
        assert_eq!(header(&built, "content-type"), None, "{accept}");
        assert!(built.body.is_empty(), "{accept}");
    }
}

#[test]
fn what_grows_is_bounded() {
    let query = |style| plan_with(parameter("p", Location::Query, styled(style, true)));
    let long_key = "k".repeat(1000);
    let many = vec!["1"; 1000].join(",");
    let deep = format!("{}1{}", r#"{"a":"#.repeat(40), "}".repeat(40));
    for (plan, value, expected) in [
        (
            query(Style::Form),
            format!("\"{}\"", "a".repeat(70_000)),
            "longer than 60000 bytes",
        ),
        (
            query(Style::DeepObject),
            format!(r#"{{"{long_key}":[{many}]}}"#),
            "longer than 60000 bytes",
        ),
        (
            query(Style::DeepObject),
            deep,
            "nests deeper than 32 levels",
        ),
        (
            plan_with(parameter("p", Location::Path, styled(Style::Simple, true))),
            format!("\"{}\"", "é".repeat(20_000)),
            "too long to send",
        ),
        (
            plan_with(parameter("p", Location::Cookie, styled(Style::Form, true))),
            format!("\"{}\"", "a".repeat(16_001)),
            "longer than 16000 bytes",
        ),
    ] {
        let Err(complaint) = try_request(&plan, &format!(r#"{{"p":{value}}}"#)) else {
            panic!("{expected}: passed");
        };
        assert!(complaint.to_string().contains(expected), "{complaint}");
    }
}

#[test]
fn complaints_are_results_for_the_model() {
    let result = Complaint::Missing("petId".to_owned()).into_result();
    assert!(result.is_error);
    let [wharf_model::Content::Text { text, .. }] = result.content.as_slice() else {
        panic!("{:?}", result.content);
    };
    assert_eq!(
        &**text,
        "The call was not made: argument `petId` is missing."
    );
}
