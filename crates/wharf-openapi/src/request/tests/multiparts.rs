//! Multipart bodies, read back by a parser that others wrote.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::stream;

use super::*;

/// One part as a server sees it: name, filename, content type, data.
pub(super) type Received = (String, Option<String>, Option<String>, Bytes);

pub(super) fn received(request: &Request) -> Vec<Received> {
    let boundary = multer::parse_boundary(header(request, "content-type").unwrap()).unwrap();
    let body = stream::iter([Ok::<_, Infallible>(request.body.clone())]);
    let mut multipart = multer::Multipart::new(body, boundary);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut parts = Vec::new();
        while let Some(field) = multipart.next_field().await.unwrap() {
            parts.push((
                field.name().unwrap_or_default().to_owned(),
                field.file_name().map(str::to_owned),
                field.content_type().map(ToString::to_string),
                field.bytes().await.unwrap(),
            ));
        }
        parts
    })
}

fn multipart(encodings: Vec<PartEncoding>) -> Plan {
    posting(
        "multipart/form-data",
        BodyEncoding::Multipart(encodings),
        whole(),
    )
}

#[test]
fn each_kind_of_value_makes_its_parts() {
    let file = PartEncoding {
        file: true,
        ..plainly("p")
    };
    let pictures = PartEncoding {
        content_type: Some("image/*, image/png".to_owned()),
        ..file.clone()
    };
    let typed = |content_type: &str| PartEncoding {
        content_type: Some(content_type.to_owned()),
        ..plainly("p")
    };
    let json = Some("application/json");
    let bytes = Some("application/octet-stream");
    for (encoding, value, expected) in [
        (&plainly("p"), r#""a\r\nb""#, vec![(None, None, "a\r\nb")]),
        (&plainly("p"), "1.10", vec![(None, None, "1.10")]),
        (&plainly("p"), "null", vec![]),
        (&plainly("p"), "[]", vec![]),
        (
            &plainly("p"),
            r#"["a",2]"#,
            vec![(None, None, "a"), (None, None, "2")],
        ),
        (
            &plainly("p"),
            r#"{"a":[1]}"#,
            vec![(None, json, r#"{"a":[1]}"#)],
        ),
        (
            &plainly("p"),
            r#"[{"a":1},{}]"#,
            vec![(None, json, r#"{"a":1}"#), (None, json, "{}")],
        ),
        (
            &typed("application/json"),
            r#""a""#,
            vec![(None, json, "\"a\"")],
        ),
        (
            &typed("text/csv"),
            r#""a,b""#,
            vec![(None, Some("text/csv"), "a,b")],
        ),
        (&typed("text/*"), r#""a,b""#, vec![(None, None, "a,b")]),
        (&file, r#""aGk=""#, vec![(Some("p"), bytes, "hi")]),
        (
            &pictures,
            r#""aGk=""#,
            vec![(Some("p"), Some("image/png"), "hi")],
        ),
        (
            &pictures,
            r#""data:image/gif;base64,aGk=""#,
            vec![(Some("p"), Some("image/gif"), "hi")],
        ),
        (
            &file,
            r#"{"data":"aGk=","filename":"ü.txt","mime_type":"text/plain"}"#,
            vec![(Some("ü.txt"), Some("text/plain"), "hi")],
        ),
        (
            &file,
            r#"["aGk=",{"data":"aG8=","filename":"2"}]"#,
            vec![(Some("p"), bytes, "hi"), (Some("2"), bytes, "ho")],
        ),
    ] {
        let built = request(
            &multipart(vec![encoding.clone()]),
            &format!(r#"{{"body":{{"p":{value}}}}}"#),
        );
        let expected: Vec<Received> = expected
            .into_iter()
            .map(|(filename, content_type, data)| {
                let owned = |text: Option<&str>| text.map(str::to_owned);
                let data = Bytes::from(data.to_owned());
                ("p".to_owned(), owned(filename), owned(content_type), data)
            })
            .collect();
        assert_eq!(received(&built), expected, "{encoding:?} {value}");
    }
}

#[test]
fn nothing_can_be_smuggled_in() {
    let file = PartEncoding {
        file: true,
        ..plainly("f")
    };
    let arguments =
        r#"{"body":{"f":{"data":"","filename":"a\"; name=\"b\r\nX-Evil: 1\r\n\r\n"},"k\"\n":1}}"#;
    let built = request(&multipart(vec![file.clone()]), arguments);
    let text = body_text(&built);
    assert!(
        text.contains("name=\"f\"; filename=\"a%22; name=%22b%0D%0AX-Evil: 1%0D%0A%0D%0A\"\r\n"),
        "{text}"
    );
    assert!(text.contains("name=\"k%22%0A\"\r\n"), "{text}");
    assert_eq!(received(&built).len(), 2, "{text}");

    let arguments = r#"{"body":{"f":{"data":"","filename":"a\\"}}}"#;
    let built = request(&multipart(vec![file.clone()]), arguments);
    let text = body_text(&built);
    assert!(text.contains("filename=\"a%5C\"\r\n"), "{text}");

    let arguments = r#"{"body":{"f":{"data":"","mime_type":"a/b\r\nX-Evil: 1"}}}"#;
    assert_eq!(
        try_request(&multipart(vec![file]), arguments).err(),
        Some(Complaint::NotMediaType("body.f".to_owned()))
    );
}

#[test]
fn boundaries_are_new_and_not_the_documents() {
    let mut plan = multipart(Vec::new());
    plan.body.as_mut().unwrap().media_type = "multipart/form-data; boundary=fixed".to_owned();
    let [first, second] = [(); 2].map(|()| {
        let built = request(&plan, r#"{"body":{"a":"--fixed--"}}"#);
        let content_type = header(&built, "content-type").unwrap().to_owned();
        assert_eq!(received(&built).len(), 1);
        content_type
    });
    assert_ne!(first, second);
    for (declared, sent) in [
        (
            "multipart/form-data; boundary=fixed",
            "multipart/form-data; boundary=wharf-",
        ),
        ("multipart/mixed", "multipart/mixed; boundary=wharf-"),
        ("multipart/*", "multipart/form-data; boundary=wharf-"),
    ] {
        plan.body.as_mut().unwrap().media_type = declared.to_owned();
        let built = request(&plan, r#"{"body":{"a":1}}"#);
        let content_type = header(&built, "content-type").unwrap();
        assert!(content_type.starts_with(sent), "{declared}: {content_type}");
    }
}

#[test]
fn parts_are_bounded() {
    let many = vec!["1"; 10_001].join(",");
    let outcome = try_request(
        &multipart(Vec::new()),
        &format!(r#"{{"body":{{"a":[{many}]}}}}"#),
    );
    let complaint = outcome.expect_err("too many").to_string();
    assert!(
        complaint.contains("`body.a` makes more than 10000 parts"),
        "{complaint}"
    );
}
