//! What clients do in the shop; each scenario in a shop of its own.

use std::collections::BTreeSet;
use std::time::Instant;

use serde_json::{Value, json};
use wharf_petstore::API_KEY;

use crate::api::{Answer, Api, Sent, operations};

/// Every operation, and every status that the document gives it, occurs in the scenarios; each answer is checked against
/// the document on the way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_service_does_what_the_document_says() {
    let mut seen = BTreeSet::new();
    let mut documented = BTreeSet::new();
    macro_rules! run {
        ($($scenario:ident),+ $(,)?) => {$(
            let api = Api::start().await;
            $scenario(&api).await;
            seen.extend(api.seen.lock().unwrap().iter().cloned());
            for (.., operation) in operations(&api.document) {
                let id = operation["operationId"].as_str().unwrap();
                let responses = operation["responses"].as_object().unwrap();
                documented.extend(responses.keys().map(|status| (id.to_owned(), status.clone())));
            }
            api.stop().await;
        )+};
    }
    run!(
        pages_lead_through_all_pets,
        a_search_narrows_down,
        a_pet_comes_changes_and_goes,
        wrong_bodies_name_their_fields,
        bodies_of_the_wrong_kind_are_refused,
        pictures_come_back_as_they_were,
        orders_reserve_and_release,
        reports_count,
        the_shop_fills_up,
    );
    let missing: Vec<_> = documented.difference(&seen).collect();
    assert!(missing.is_empty(), "documented but never seen: {missing:?}");
}

async fn pages_lead_through_all_pets(api: &Api) {
    let mut path = "/pets".to_owned();
    let mut ids = Vec::new();
    for size in [5, 5, 2] {
        let answer = api.call("listPets", &path, Sent::nothing()).await;
        let page = answer.json();
        let pets = page["pets"].as_array().unwrap();
        assert_eq!(pets.len(), size, "{path}");
        ids.extend(pets.iter().map(|pet| pet["id"].as_u64().unwrap()));
        let Some(cursor) = page["next_cursor"].as_str() else {
            assert!(!answer.headers.contains_key("link"), "{path}");
            break;
        };
        let next = format!("/pets?cursor={cursor}&limit=5");
        assert_eq!(answer.header("link"), format!("<{next}>; rel=\"next\""));
        path = next;
    }
    assert_eq!(ids, (1..=12).collect::<Vec<_>>());

    let answer = api
        .call("listPets", "/pets?limit=50", Sent::nothing())
        .await;
    assert_eq!(answer.json()["pets"].as_array().unwrap().len(), 12);
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=51", "limit"),
        ("limit=x", "limit"),
        ("cursor=x", "cursor"),
        ("cursor=YWZ0ZXI6", "cursor"),
    ] {
        let answer = api
            .call("listPets", &format!("/pets?{query}"), Sent::nothing())
            .await;
        assert_eq!(wrong_fields(&answer), [field], "{query}");
    }
}

async fn a_search_narrows_down(api: &Api) {
    for (query, expected) in [
        ("limit=50", vec![1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
        ("status=sold", vec![8, 12]),
        ("status=sold&status=reserved", vec![5, 8, 11, 12]),
        ("kind=cat&kind=fish&status=available", vec![2, 4, 10]),
        ("tags=calm", vec![2, 4, 7, 9]),
        ("tags=calm,nocturnal", vec![7]),
        ("tags=calm%2Cnocturnal", vec![7]),
        ("q=WHISTLE", vec![6]),
        ("q=ott", vec![9]),
        ("price_min=300&price_max=420", vec![1, 9]),
        ("price_max=4.75", vec![10]),
        ("q=nobody", vec![]),
    ] {
        let path = format!("/pets/search?{query}");
        let found = api.call("searchPets", &path, Sent::nothing()).await.json();
        assert_eq!(ids(&found["pets"]), expected, "{query}");
        assert_eq!(found["total"], expected.len(), "{query}");
    }
    let found = api
        .call("searchPets", "/pets/search?limit=3", Sent::nothing())
        .await
        .json();
    assert_eq!(
        (ids(&found["pets"]), &found["total"]),
        (vec![1, 2, 3], &json!(12))
    );
    for (query, field) in [
        ("status=lost", "status"),
        ("status=sold,reserved", "status"),
        ("kind=dragon", "kind"),
        ("price_min=cheap", "price_min"),
        ("price_min=2&price_max=1", "price_min"),
    ] {
        let path = format!("/pets/search?{query}");
        let answer = api.call("searchPets", &path, Sent::nothing()).await;
        assert_eq!(wrong_fields(&answer), [field], "{query}");
    }
}

async fn a_pet_comes_changes_and_goes(api: &Api) {
    let least = json!({"name": "Nimbus", "kind": "rabbit", "price": 45});
    let created = api.call("createPet", "/pets", Sent::json(&least)).await;
    assert_eq!(created.header("location"), "/pets/13");
    let expected = json!({"id": 13, "name": "Nimbus", "kind": "rabbit", "status": "available", "price": 45.0, "tags": []});
    assert_eq!(created.json(), expected);
    let read = api.call("getPet", "/pets/13", Sent::nothing()).await;
    assert_eq!(read.json(), expected);

    let full = json!({"name": "Nimbus", "kind": "rabbit", "status": "sold", "price": 50.5, "tags": ["a", "b"], "born": "2024-02-29", "note": "Digs."});
    let replaced = api
        .call("replacePet", "/pets/13", Sent::json(&full))
        .await
        .json();
    assert_eq!(
        (&replaced["note"], &replaced["id"]),
        (&json!("Digs."), &json!(13))
    );

    let patch = json!({"price": 60, "tags": ["c"], "note": null});
    let changed = api
        .call("changePet", "/pets/13", Sent::patch(&patch))
        .await
        .json();
    assert_eq!(
        changed,
        json!({"id": 13, "name": "Nimbus", "kind": "rabbit", "status": "sold", "price": 60.0, "tags": ["c"], "born": "2024-02-29"})
    );

    let sheet = api
        .call("getCareSheet", "/pets/13/care-sheet", Sent::nothing())
        .await;
    assert!(sheet.body.starts_with(b"# Caring for Nimbus\n"));

    api.call("deletePet", "/pets/13", Sent::nothing()).await;
    for (operation, path, sent) in [
        ("getPet", "/pets/13", Sent::nothing()),
        ("getPet", "/pets/no-number", Sent::nothing()),
        ("getCareSheet", "/pets/13/care-sheet", Sent::nothing()),
        ("replacePet", "/pets/13", Sent::json(&least)),
        ("changePet", "/pets/13", Sent::patch(&json!({}))),
        ("deletePet", "/pets/13", Sent::nothing()),
        ("downloadPicture", "/pets/13/picture", Sent::nothing()),
        ("uploadPicture", "/pets/13/picture", Sent::form(&[])),
        ("getOrder", "/orders/13", Sent::nothing()),
        ("cancelOrder", "/orders/13", Sent::nothing()),
    ] {
        let answer = api.call(operation, path, sent).await;
        assert_eq!(answer.status, 404, "{operation} {path}");
    }
    for (method, path, status) in [("GET", "/nowhere", 404), ("DELETE", "/pets", 405)] {
        let answer = api.send(method, path, Sent::nothing()).await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
}

async fn wrong_bodies_name_their_fields(api: &Api) {
    let long = "x".repeat(61);
    for (body, fields) in [
        (json!({}), vec!["name", "kind", "price"]),
        (json!({"name": "", "kind": "cat", "price": 1}), vec!["name"]),
        (
            json!({"name": long, "kind": "cat", "price": 1}),
            vec!["name"],
        ),
        (
            json!({"name": "A", "kind": "dragon", "price": "1"}),
            vec!["kind", "price"],
        ),
        (
            json!({"name": "A", "kind": "cat", "price": -1}),
            vec!["price"],
        ),
        (
            json!({"name": "A", "kind": "cat", "price": 1, "tags": "a"}),
            vec!["tags"],
        ),
        (
            json!({"name": "A", "kind": "cat", "price": 1, "tags": ["a", 1]}),
            vec!["tags"],
        ),
        (
            json!({"name": "A", "kind": "cat", "price": 1, "born": "yesterday!"}),
            vec!["born"],
        ),
        (
            json!({"name": "A", "kind": "cat", "price": 1, "colour": "red"}),
            vec!["colour"],
        ),
        (
            json!({"name": "A", "kind": "cat", "price": 1, "status": 1}),
            vec!["status"],
        ),
        (json!([]), vec![]),
    ] {
        for (operation, path) in [("createPet", "/pets"), ("replacePet", "/pets/1")] {
            let answer = api.call(operation, path, Sent::json(&body)).await;
            assert_eq!(wrong_fields(&answer), fields, "{operation} {body}");
        }
    }
    for (patch, fields) in [
        (json!({"name": null}), vec!["name"]),
        (json!({"price": "dear"}), vec!["price"]),
        (json!({"colour": "red"}), vec!["colour"]),
        (json!("text"), vec![]),
    ] {
        let answer = api.call("changePet", "/pets/1", Sent::patch(&patch)).await;
        assert_eq!(wrong_fields(&answer), fields, "{patch}");
    }
    for (order, fields) in [
        (json!({}), vec!["pet_id", "customer"]),
        (json!({"pet_id": 99, "customer": "Ada"}), vec!["pet_id"]),
        (
            json!({"pet_id": -1, "customer": "Ada", "delivery": "yes"}),
            vec!["pet_id", "delivery"],
        ),
    ] {
        let answer = api.call("placeOrder", "/orders", Sent::json(&order)).await;
        assert_eq!(wrong_fields(&answer), fields, "{order}");
    }
}

async fn bodies_of_the_wrong_kind_are_refused(api: &Api) {
    for (operation, path, media_type) in [
        ("createPet", "/pets", "application/json"),
        ("replacePet", "/pets/1", "application/json"),
        ("changePet", "/pets/1", "application/merge-patch+json"),
        ("placeOrder", "/orders", "application/json; charset=utf-8"),
        (
            "uploadPicture",
            "/pets/1/picture",
            "multipart/form-data; boundary=cut",
        ),
    ] {
        let large = if operation == "uploadPicture" {
            Sent::form(&[("file", Some("a.png"), &vec![0; 1024 * 1024])])
        } else {
            Sent::of(media_type, vec![b' '; 1024 * 1024 + 1])
        };
        for (sent, status) in [
            (Sent::of(media_type, "{"), 400),
            (large, 413),
            (Sent::of("text/plain", "{}"), 415),
            (Sent::of("application/jsonp", "{}"), 415),
        ] {
            let answer = api.call(operation, path, sent).await;
            assert_eq!(answer.status, status, "{operation}");
        }
    }
}

async fn pictures_come_back_as_they_were(api: &Api) {
    let badge = api
        .call("downloadPicture", "/pets/1/picture", Sent::nothing())
        .await;
    assert!(badge.body.starts_with(b"\x89PNG\r\n\x1a\n"));
    let other = api
        .call("downloadPicture", "/pets/2/picture", Sent::nothing())
        .await;
    assert_ne!(badge.body, other.body, "a dog and a cat look alike");

    let mut picture = badge.body.to_vec();
    picture.extend_from_slice(b"\r\n--cu\x00\xff\r\n");
    let form = Sent::form(&[
        ("caption", None, "Süß".as_bytes()),
        ("file", Some("a.png"), &picture),
    ]);
    let kept = api.call("uploadPicture", "/pets/2/picture", form).await;
    assert_eq!(kept.header("location"), "/pets/2/picture");
    assert_eq!(
        kept.json(),
        json!({"pet_id": 2, "bytes": picture.len(), "caption": "Süß"})
    );
    let downloaded = api
        .call("downloadPicture", "/pets/2/picture", Sent::nothing())
        .await;
    assert_eq!(downloaded.body, picture);

    let long = "x".repeat(201);
    for (form, fields) in [
        (Sent::form(&[]), vec!["file"]),
        (
            Sent::form(&[("file", Some("a.png"), b"GIF89a")]),
            vec!["file"],
        ),
        (
            Sent::form(&[
                ("file", Some("a.png"), &picture),
                ("caption", None, long.as_bytes()),
            ]),
            vec!["caption"],
        ),
        (
            Sent::form(&[("photo", Some("a.png"), &picture)]),
            vec!["photo", "file"],
        ),
    ] {
        let answer = api.call("uploadPicture", "/pets/2/picture", form).await;
        assert_eq!(wrong_fields(&answer), fields);
    }
}

async fn orders_reserve_and_release(api: &Api) {
    let order = json!({"pet_id": 2, "customer": "Robin", "delivery": true});
    let placed = api.call("placeOrder", "/orders", Sent::json(&order)).await;
    assert_eq!(placed.header("location"), "/orders/1");
    let expected = json!({"id": 1, "pet_id": 2, "customer": "Robin", "delivery": true, "total": 189.5, "status": "placed"});
    assert_eq!(placed.json(), expected);
    assert_eq!(
        api.call("getOrder", "/orders/1", Sent::nothing())
            .await
            .json(),
        expected
    );
    let pet = api.call("getPet", "/pets/2", Sent::nothing()).await.json();
    assert_eq!(pet["status"], "reserved");

    let again = api.call("placeOrder", "/orders", Sent::json(&order)).await;
    assert_eq!(again.status, 409);
    let delete = api.call("deletePet", "/pets/2", Sent::nothing()).await;
    assert_eq!(delete.status, 409);

    for sent in [Sent::nothing(), Sent::header("X-Api-Key", "guess")] {
        let answer = api.call("listOrders", "/orders", sent).await;
        assert_eq!(answer.status, 401);
    }
    let list = api
        .call("listOrders", "/orders", Sent::header("X-Api-Key", API_KEY))
        .await;
    assert_eq!(list.json(), json!({"orders": [expected]}));

    let cancelled = api.call("cancelOrder", "/orders/1", Sent::nothing()).await;
    assert_eq!(cancelled.json()["status"], "cancelled");
    let again = api.call("cancelOrder", "/orders/1", Sent::nothing()).await;
    assert_eq!(again.status, 409);
    let pet = api.call("getPet", "/pets/2", Sent::nothing()).await.json();
    assert_eq!(pet["status"], "available");
    let delete = api.call("deletePet", "/pets/2", Sent::nothing()).await;
    assert_eq!(delete.status, 204);
}

async fn reports_count(api: &Api) {
    let inventory = api
        .call("getInventory", "/inventory", Sent::nothing())
        .await;
    assert_eq!(
        inventory.json(),
        json!({"available": 8, "reserved": 2, "sold": 2})
    );

    let table = api
        .call("exportPets", "/reports/pets.csv", Sent::nothing())
        .await;
    let table = String::from_utf8(table.body.to_vec()).unwrap();
    let lines: Vec<&str> = table.split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 13);
    assert_eq!(lines[0], "id,name,kind,status,price,tags");
    assert_eq!(lines[2], "2,Admiral,cat,available,180,calm indoor");

    let started = Instant::now();
    let report = api
        .call("getSlowReport", "/reports/slow?seconds=1", Sent::nothing())
        .await;
    assert!(started.elapsed().as_millis() >= 1000, "it did not wait");
    assert_eq!(
        report.json(),
        json!({"waited_seconds": 1, "pets": 12, "orders": 0, "revenue": 0.0})
    );
    for seconds in ["31", "-1", "1.5", "soon"] {
        let path = format!("/reports/slow?seconds={seconds}");
        let answer = api.call("getSlowReport", &path, Sent::nothing()).await;
        assert_eq!(wrong_fields(&answer), ["seconds"], "{seconds}");
    }
}

async fn the_shop_fills_up(api: &Api) {
    let pet = json!({"name": "Echo", "kind": "fish", "price": 1});
    for _ in 12..1000 {
        let answer = api.send("POST", "/pets", Sent::json(&pet)).await;
        assert_eq!(answer.status, 201);
    }
    let answer = api.call("createPet", "/pets", Sent::json(&pet)).await;
    assert_eq!(answer.status, 507, "pets");

    let png = b"\x89PNG\r\n\x1a\n";
    for id in 1..=33 {
        let path = format!("/pets/{id}/picture");
        let form = Sent::form(&[("file", Some("a.png"), png)]);
        let answer = api.call("uploadPicture", &path, form).await;
        assert_eq!(answer.status, if id <= 32 { 201 } else { 507 }, "{path}");
    }

    let order = json!({"pet_id": 1, "customer": "Ada"});
    for id in 1..=1000 {
        let answer = api.send("POST", "/orders", Sent::json(&order)).await;
        assert_eq!(answer.status, 201);
        let answer = api
            .send("DELETE", &format!("/orders/{id}"), Sent::nothing())
            .await;
        assert_eq!(answer.status, 200);
    }
    let answer = api.call("placeOrder", "/orders", Sent::json(&order)).await;
    assert_eq!(answer.status, 507, "orders");
}

fn ids(pets: &Value) -> Vec<u64> {
    pets.as_array()
        .unwrap()
        .iter()
        .map(|pet| pet["id"].as_u64().unwrap())
        .collect()
}

/// The fields that a refusal names, in its order.
fn wrong_fields(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 422, "{:?}", answer.body);
    answer.json()["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|error| error["field"].as_str().unwrap().to_owned())
        .collect()
}
