//! The benchmark server on actix-web.

use std::{env, io, time::Duration};

use actix_web::{
    App, Error, HttpResponse, HttpServer,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    error::ErrorForbidden,
    http::header::{HeaderValue, X_FRAME_OPTIONS},
    middleware::{Next, from_fn},
    rt,
    web::{self, Bytes, Path},
};
use serde::Serialize;

#[derive(Serialize)]
struct Message {
    message: &'static str,
    id: u32,
}

fn main() -> io::Result<()> {
    let addr = flag("-addr").unwrap_or("127.0.0.1:8080".into());
    let routes = flag("-routes").map_or(0, |n| n.parse().expect("-routes wants a number"));
    let loops = flag("-loops").map_or(1, |n| n.parse().expect("-loops wants a number"));
    let server = HttpServer::new(move || {
        App::new()
            .wrap(from_fn(deny_frames))
            .wrap(from_fn(refuse_blocked))
            .configure(|config| configure(config, routes))
    });
    rt::System::new().block_on(
        server
            .workers(loops)
            // The default would close idle connections before they are counted.
            .keep_alive(Duration::from_secs(75))
            .tcp_nodelay(true) // as the other servers have it
            .bind(addr)?
            .run(),
    )
}

/// The value after a flag of the command line.
fn flag(name: &str) -> Option<String> {
    env::args().skip_while(|arg| arg != name).nth(1)
}

fn configure(config: &mut web::ServiceConfig, routes: usize) {
    config
        .route("/plaintext", web::get().to(plaintext))
        .route("/json", web::get().to(json))
        .route("/users/{id}", web::get().to(user))
        .route("/echo", web::post().to(echo))
        .route("/sleep/{ms}", web::get().to(sleep));
    for i in 0..routes {
        further(config, i);
    }
}

/// Adds route i of the table that bench/router generates.
fn further(config: &mut web::ServiceConfig, i: usize) {
    let resource = format!("/service{}/resource{}", i / 5 % 100, i / 500);
    let (path, verb) = match i % 5 {
        0 => (resource, web::get()),
        1 => (resource, web::post()),
        2 => (resource + "/{id}", web::get()),
        3 => (resource + "/{id}", web::delete()),
        _ => (resource + "/{id}/parts/{part}", web::get()),
    };
    let pattern = path.clone();
    config.route(&path, verb.to(move || {
        let pattern = pattern.clone();
        async move { text(pattern) }
    }));
}

fn text(body: impl MessageBody + 'static) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(body)
}

async fn plaintext() -> HttpResponse {
    text("Hello, World!")
}

async fn json() -> web::Json<Message> {
    web::Json(Message { message: "Hello, World!", id: 42 })
}

async fn user(id: Path<String>) -> HttpResponse {
    text(id.into_inner())
}

async fn echo(body: Bytes) -> HttpResponse {
    HttpResponse::Ok().content_type("application/octet-stream").body(body)
}

async fn sleep(ms: Path<u64>) -> HttpResponse {
    rt::time::sleep(Duration::from_millis(*ms)).await;
    text(ms.to_string())
}

/// The request middleware.
async fn refuse_blocked<B: MessageBody>(request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, Error> {
    if request.headers().get("x-client").is_some_and(|client| client == "blocked") {
        return Err(ErrorForbidden(""));
    }
    next.call(request).await
}

/// The response middleware.
async fn deny_frames<B: MessageBody>(request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, Error> {
    let mut response = next.call(request).await?;
    response.headers_mut().insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    Ok(response)
}
