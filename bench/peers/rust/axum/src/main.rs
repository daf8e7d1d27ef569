//! The benchmark server on axum.

use std::{env, io, time::Duration};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, Request},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{delete, get, post},
    serve::ListenerExt,
};
use serde::Serialize;
use tokio::{net::TcpListener, runtime};

#[derive(Serialize)]
struct Message {
    message: &'static str,
    id: u32,
}

fn main() -> io::Result<()> {
    let addr = flag("-addr").unwrap_or("127.0.0.1:8080".into());
    let routes = flag("-routes").map_or(0, |n| n.parse().expect("-routes wants a number"));
    let loops = flag("-loops").map_or(1, |n| n.parse().expect("-loops wants a number"));
    let runtime = match loops {
        1 => runtime::Builder::new_current_thread().enable_all().build()?,
        n => runtime::Builder::new_multi_thread().worker_threads(n).enable_all().build()?,
    };
    runtime.block_on(async {
        // As the other servers have it: without, pipelined answers wait for the client's delayed acknowledgements.
        let listener = TcpListener::bind(addr).await?.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        // A bare router would be prepared again for each connection.
        axum::serve(listener, router(routes).into_make_service()).await
    })
}

/// The value after a flag of the command line.
fn flag(name: &str) -> Option<String> {
    env::args().skip_while(|arg| arg != name).nth(1)
}

fn router(routes: usize) -> Router {
    let mut router = Router::new()
        .route("/plaintext", get(|| async { "Hello, World!" }))
        .route("/json", get(|| async { Json(Message { message: "Hello, World!", id: 42 }) }))
        .route("/users/{id}", get(|Path(id): Path<String>| async { id }))
        .route("/echo", post(echo))
        .route("/sleep/{ms}", get(sleep));
    for i in 0..routes {
        router = further(router, i);
    }
    router
        .layer(middleware::map_response(deny_frames))
        .layer(middleware::from_fn(refuse_blocked))
}

/// Adds route i of the table that bench/router generates.
fn further(router: Router, i: usize) -> Router {
    let resource = format!("/service{}/resource{}", i / 5 % 100, i / 500);
    let (path, verb): (_, fn(_) -> _) = match i % 5 {
        0 => (resource, get),
        1 => (resource, post),
        2 => (resource + "/{id}", get),
        3 => (resource + "/{id}", delete),
        _ => (resource + "/{id}/parts/{part}", get),
    };
    let pattern = path.clone();
    let answer = move || {
        let pattern = pattern.clone();
        async move { pattern }
    };
    router.route(&path, verb(answer))
}

async fn echo(body: Bytes) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/octet-stream")], body)
}

async fn sleep(Path(ms): Path<u64>) -> String {
    tokio::time::sleep(Duration::from_millis(ms)).await;
    ms.to_string()
}

/// The request middleware.
async fn refuse_blocked(request: Request, next: Next) -> Response {
    if request.headers().get("x-client").is_some_and(|client| client == "blocked") {
        return StatusCode::FORBIDDEN.into_response();
    }
    next.run(request).await
}

/// The response middleware.
async fn deny_frames(mut response: Response) -> Response {
    response.headers_mut().insert(
        HeaderName::from_static("x-frame-options"),
        HeaderValue::from_static("DENY"),
    );
    response
}
