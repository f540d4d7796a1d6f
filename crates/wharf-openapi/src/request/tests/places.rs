//! Where parameters go, and what must not get there.

use super::*;

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
        needed: Vec::new(),
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
