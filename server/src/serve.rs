//! Puts the parts together, listens, and stops in order.
//!
//! Stopping runs backwards along the way of a report: listeners take no more, running requests
//! end, the writer's queue empties, the database closes. A report that was answered is on the
//! disk before any of that; a report that was not answered is sent again by its client.

use crate::admin::{self, Admin};
use crate::audit::{AuditError, AuditLog};
use crate::bundles;
use crate::catalogue::Catalogue;
use crate::clock::Clock;
use crate::config::Config;
use crate::connections::Connections;
use crate::cors::{Origins, share};
use crate::feedback::{self, Feedback};
use crate::health::{self, Health};
use crate::limit::Limit;
use crate::live::Live;
use crate::metrics::Metrics;
use crate::network::Senders;
use crate::oblivious::keys::{KeyError, Keys};
use crate::oblivious::relays::Relays;
use crate::oblivious::{self, Gateway};
use crate::observe::{Observed, observe};
use crate::openapi;
use crate::problem::get_only;
use crate::site;
use crate::storage::{Database, ServerId, StorageError};
use crate::totals::Totals;
use crate::writer::Writer;
use actix_web::dev::{Server, ServerHandle};
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use vitrine_store::{Store, StoreError};

/// Why the server did not start, or did not stop well.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database cannot be used.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The audit log cannot be used.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The keys of Oblivious HTTP cannot be used.
    #[error("oblivious_keys: {0}")]
    Keys(#[from] KeyError),
    /// The system has no random numbers.
    #[error("the system gives no random numbers for the rate limit's salt: {0}")]
    Random(getrandom::Error),
    /// The site's folder is not there.
    #[error("cannot serve the site {}: {source}; name a folder that exists, or leave `site` out", path.display())]
    Site {
        /// The folder.
        path: PathBuf,
        /// What the system answered.
        source: std::io::Error,
    },
    /// The address cannot be listened on.
    #[error(
        "cannot listen on {address}: {source}; stop what listens there, or choose another \
         address with `{key}`"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The setting that names it.
        key: &'static str,
        /// What the system answered.
        source: std::io::Error,
    },
    /// A listener failed while it ran.
    #[error("a listener failed: {0}")]
    Listener(std::io::Error),
    /// A task of ours ended before it should.
    #[error("a task of the server ended before its time: {0}")]
    Task(tokio::task::JoinError),
}

/// A running server.
pub struct Running {
    /// Where the public listener listens.
    pub address: SocketAddr,
    /// Where the admin listener listens.
    pub admin_address: Option<SocketAddr>,
    handles: Vec<ServerHandle>,
    listeners: Vec<JoinHandle<std::io::Result<()>>>,
    database: JoinHandle<Result<(), StorageError>>,
}

/// Tells a running server to stop.
#[derive(Clone)]
pub struct Stop(Vec<ServerHandle>);

impl Stop {
    /// Stops listening and lets running requests end.
    pub async fn stop(&self) {
        for handle in &self.0 {
            handle.stop(true).await;
        }
    }
}

impl Running {
    /// How to stop it.
    pub fn stopper(&self) -> Stop {
        Stop(self.handles.clone())
    }

    /// Waits until it was stopped, every answered report is on the disk, and the database is
    /// closed.
    pub async fn ended(self) -> Result<(), ServeError> {
        for listener in self.listeners {
            listener
                .await
                .map_err(ServeError::Task)?
                .map_err(ServeError::Listener)?;
        }
        self.database.await.map_err(ServeError::Task)??;
        Ok(())
    }
}

/// Starts the server. What cannot work is an error here, before anything is served.
pub async fn start(config: &Config, clock: Arc<dyn Clock>) -> Result<Running, ServeError> {
    if let Some(folder) = &config.site {
        std::fs::read_dir(folder).map_err(|source| ServeError::Site {
            path: folder.clone(),
            source,
        })?;
    }
    let gateway = config.oblivious.clone().map(|oblivious| {
        let relays = Relays::new(oblivious.relays, oblivious.per_minute);
        Gateway::new(Keys::read(&oblivious.keys)?, relays)
    });
    let gateway = gateway.transpose()?.map(web::Data::new);
    let store = Store::open(&config.store)?;
    let live = Arc::new(Live::open(store.clone())?);
    let mut database = Database::open(&config.database).await?;
    database.probe().await?;

    let metrics = Arc::new(Metrics::default());
    let shared_clock = Arc::clone(&clock);
    let (writer, database) = Writer::start(
        database,
        config.database.clone(),
        ServerId::random().map_err(ServeError::Random)?,
        Arc::clone(&live),
        config.policy,
        clock,
        Arc::clone(&metrics),
        config.feedback_queue,
    );
    let limit = Limit::new(config.quotas, Arc::clone(&shared_clock)).map_err(ServeError::Random)?;
    let senders = Arc::new(Senders::new(config.behind_proxy, config.limit_loopback));
    let catalogue = Arc::new(Catalogue::open(Arc::clone(&live)));
    let origins = Origins::new(config.allowed_origins.clone());
    let observed = Observed {
        metrics: Arc::clone(&metrics),
        access_log: config.access_log,
    };
    let parts = Parts {
        live: web::Data::from(live),
        feedback: web::Data::new(Feedback {
            writer: writer.clone(),
            metrics: Arc::clone(&metrics),
            origins: origins.clone(),
            senders: Arc::clone(&senders),
            limit: Arc::new(limit),
            catalogue,
            totals: Arc::new(Totals::new(config.most)),
            body_deadline: config.feedback_body,
        }),
        health: web::Data::new(Health {
            writer,
            metrics,
            probed: Arc::new(Mutex::new(None)),
        }),
        origins: web::Data::new(origins),
        observed: web::Data::new(observed),
        document: web::Data::new(openapi::document()),
        gateway,
        site: config.site.as_deref().map(Arc::from),
    };

    let mut running = Running {
        address: config.listen,
        admin_address: None,
        handles: Vec::new(),
        listeners: Vec::new(),
        database,
    };
    let mut listen_for_admin = None;
    if let Some(admin) = config.admin {
        let data = web::Data::new(Admin {
            store: store.trusting(&config.public_keys),
            token: admin.token,
            metrics_token: admin.metrics_token,
            audit: Arc::new(AuditLog::open(&config.audit_log)?),
            clock: Arc::clone(&shared_clock),
        });
        listen_for_admin = Some((admin.listen, data, parts.clone()));
    }

    let connections = Connections::new(config.connections, config.connections_per_network, senders);
    let public = HttpServer::new(move || {
        App::new()
            .wrap(from_fn(share))
            .wrap(from_fn(observe))
            .configure(|app| parts.routes(app))
            .default_service(site::fallback())
    })
    .on_connect(move |connection, kept| connections.accept(connection, kept))
    .workers(config.workers)
    .shutdown_timeout(config.shutdown_seconds)
    // A body that was refused is not read to its end: whoever sends ten megabytes would keep a
    // thread at throwing them away.
    .client_disconnect_timeout(Duration::ZERO)
    .disable_signals()
    .bind(config.listen)
    .map_err(|source| ServeError::Listen {
        address: config.listen,
        key: "listen",
        source,
    })?;
    running.address = public.addrs().first().copied().unwrap_or(config.listen);

    if let Some((listen, data, parts)) = listen_for_admin {
        let server = HttpServer::new(move || {
            App::new()
                .wrap(from_fn(observe))
                .app_data(data.clone())
                .app_data(parts.live.clone())
                .app_data(parts.health.clone())
                .app_data(parts.observed.clone())
                .service(get("/metrics", admin::metrics))
                .service(
                    web::resource("/v1/admin/files/{sha256}")
                        .route(web::get().to(admin::files::file))
                        .route(web::put().to(admin::files::put_file))
                        .default_service(web::to(admin::put_or_get)),
                )
                .service(
                    web::resource("/v1/admin/signatures/{sha256}")
                        .route(web::put().to(admin::files::put_signature))
                        .default_service(web::to(admin::put_only)),
                )
                .service(
                    web::resource("/v1/admin/manifests/{version}")
                        .route(web::get().to(admin::manifests::published))
                        .default_service(web::to(get_only)),
                )
                .service(
                    web::resource("/v1/admin/candidate")
                        .route(web::get().to(admin::manifests::candidate))
                        .route(web::put().to(admin::manifests::put_candidate))
                        .default_service(web::to(admin::put_or_get)),
                )
                .service(
                    web::resource("/v1/admin/promotions/{sha256}")
                        .route(web::put().to(admin::manifests::promote))
                        .default_service(web::to(admin::put_only)),
                )
                .service(
                    web::resource("/v1/admin/manifest")
                        .route(web::put().to(admin::manifests::put_manifest))
                        .default_service(web::to(admin::put_only)),
                )
                .default_service(site::fallback())
        })
        .workers(1)
        .shutdown_timeout(config.shutdown_seconds)
        .disable_signals()
        .bind(listen)
        .map_err(|source| ServeError::Listen {
            address: listen,
            key: "admin_listen",
            source,
        })?;
        running.admin_address = server.addrs().first().copied();
        running.add(server.run());
    }
    running.add(public.run());
    Ok(running)
}

impl Running {
    fn add(&mut self, server: Server) {
        self.handles.push(server.handle());
        self.listeners.push(tokio::spawn(server));
    }
}

/// What every thread of the public listener shares.
#[derive(Clone)]
struct Parts {
    live: web::Data<Live>,
    feedback: web::Data<Feedback>,
    health: web::Data<Health>,
    origins: web::Data<Origins>,
    observed: web::Data<Observed>,
    document: web::Data<utoipa::openapi::OpenApi>,
    gateway: Option<web::Data<Gateway>>,
    site: Option<Arc<Path>>,
}

impl Parts {
    fn routes(&self, app: &mut web::ServiceConfig) {
        app.app_data(self.live.clone())
            .app_data(self.feedback.clone())
            .app_data(self.health.clone())
            .app_data(self.origins.clone())
            .app_data(self.observed.clone())
            .app_data(self.document.clone())
            .service(get("/manifest.json", bundles::manifest))
            .service(get("/manifest.sig", bundles::signature))
            .service(get("/manifests/{sha256}.sig", bundles::signature_of))
            .service(get("/bundles/{sha256}", bundles::file))
            .service(get("/healthz", health::healthz))
            .service(get("/readyz", health::readyz))
            .service(get("/openapi.json", openapi::serve))
            .service(
                web::resource(feedback::PATH)
                    .route(web::post().to(feedback::post))
                    .default_service(web::to(feedback::post_only)),
            );
        if let Some(gateway) = &self.gateway {
            app.app_data(gateway.clone()).service(
                web::resource(oblivious::PATH)
                    .route(web::get().to(oblivious::configurations))
                    .route(web::head().to(oblivious::configurations))
                    .route(web::post().to(oblivious::post))
                    .default_service(web::to(oblivious::get_or_post)),
            );
        }
        if let Some(folder) = &self.site {
            app.service(site::site(folder));
        }
    }
}

/// An address that takes GET and HEAD.
fn get<F, Args>(path: &str, handler: F) -> actix_web::Resource
where
    F: actix_web::Handler<Args> + Clone,
    Args: actix_web::FromRequest + 'static,
    F::Output: actix_web::Responder + 'static,
{
    web::resource(path)
        .route(web::get().to(handler.clone()))
        .route(web::head().to(handler))
        .default_service(web::to(get_only))
}
