#include "agent/daemon/agent.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <mutex>
#include <set>

#include "agent/api/api.h"
#include "agent/api/incident_view.h"
#include "agent/daemon/brain.h"
#include "agent/daemon/doors.h"
#include "agent/daemon/kafka_door.h"
#include "agent/daemon/own_metrics.h"
#include "agent/daemon/owners.h"
#include "agent/daemon/watcher.h"
#include "agent/loop/incident_codec.h"
#include "agent/loop/loop.h"
#include "agent/notify/notifier.h"
#include "agent/world/real/clock.h"
#include "agent/world/real/service_manager.h"
#include "remediations/execution/execution.h"
#include "remediations/remedies/remedies.h"

namespace medic {
namespace {

constexpr Duration tick_every{1'000};
constexpr Duration forget_every{60'000};
constexpr Duration journal_wait{3'000};  // A webhook that can't be persisted by then is answered 503.
constexpr std::size_t mailbox_max = 8'192;
constexpr std::size_t alerts_known_max = 10'000;

std::vector<std::string> names_of(const Config& config) {
    std::vector<std::string> names;
    for (const ClusterConfig& cluster : config.clusters) names.push_back(cluster.name);
    return names;
}

// Where people reach the API, for links: as configured, or where it listens.
std::string api_url_of(const Config& config, const std::string& host, std::uint16_t port) {
    if (!config.api_external_url.empty()) return config.api_external_url;
    return fmt::format("http://{}:{}", host == "0.0.0.0" ? "127.0.0.1" : host, port);
}

KnowledgeOptions knowledge_options(const Config& config) {
    KnowledgeOptions options;
    options.store.series_per_cluster_max = config.limits.series_per_cluster;
    options.timeline.events_per_cluster_max = config.limits.events_per_cluster;
    return options;
}

// Held while the agent lives: two agents on one journal would both act.
class FolderLock {
public:
    static Result<FolderLock> take(const std::string& folder) {
        std::error_code error;
        std::filesystem::create_directories(folder, error);
        const std::string path = folder + "/lock";
        FolderLock lock;
        lock.fd_ = open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
        if (lock.fd_ < 0) return fail(ErrorCode::invalid, "{}: can't be written: {}", path, std::strerror(errno));
        if (flock(lock.fd_, LOCK_EX | LOCK_NB) != 0)
            return fail(ErrorCode::unavailable, "{}: another agent uses this data folder", folder);
        return lock;
    }
    FolderLock() = default;
    FolderLock(FolderLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    FolderLock& operator=(FolderLock&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~FolderLock() {
        if (fd_ >= 0) close(fd_);
    }

private:
    int fd_ = -1;
};

}  // namespace

struct Agent::State : ApiBackend {
    explicit State(AgentOptions options_in) : options(std::move(options_in)), config(options.config) {}

    AgentOptions options;
    const Config& config;
    FolderLock lock;
    std::string pause_file;

    // io
    Reactor reactor;
    std::unique_ptr<HttpFetcher> fetcher;
    std::unique_ptr<RealWorld> world;
    std::unique_ptr<HttpFetcher> messenger;  // Messages wait for no look, and are not counted as looks or acts.
    std::unique_ptr<Notifier> notifier;
    VerdictLinks links;
    std::string api_url;
    std::vector<DeliveryRow> told;  // As restored; handed to the notifier at its start.
    std::vector<Incident> to_tell;
    std::unique_ptr<Worker> io;
    std::unique_ptr<Worker> kafka_changes;  // Only where a cluster has Kafka.

    // ingest
    std::unique_ptr<Knowledge> knowledge;
    std::unique_ptr<Watcher> watcher;
    std::unique_ptr<Brain> brain;
    std::vector<FactKey> wanted;
    std::set<std::string> budgets_said;  // Clusters that have been told to be over theirs.
    std::optional<Instant> evaluated_at, forgot_at;
    std::unique_ptr<Worker> ingest;

    // core
    std::unique_ptr<Loop> loop;
    std::vector<Input> inputs;
    bool tick_due = false;
    std::vector<FactKey> asked;
    std::unique_ptr<Worker> core;

    // journal
    std::unique_ptr<Journal> journal;
    Outbox outbox;
    std::unique_ptr<Worker> journal_thread;

    // api
    std::unique_ptr<Api> api;
    std::unique_ptr<HttpServer> server;
    std::set<std::string> alerts_known;  // On the server's one thread.

    // Shared, small, behind one mutex.
    mutable std::mutex shared_mutex;
    std::vector<Incident> shown;
    OwnMetrics metrics_now;
    std::atomic<bool> looked{false}, stopped{false};

    Result<void> open();
    void run();
    void stop();

    // io
    void on_reply(OperationReply reply) { give(std::move(reply)); }
    // ingest
    void evaluate();
    void answer_facts(WallTime now);
    void say_budgets(const StoreUsage& usage);
    [[nodiscard]] Fact fact(const FactKey& key, WallTime now) const;
    // core
    void give(Input input);
    void tick();
    void apply(Effects effects);
    // journal
    void write(Effects effects);
    void keep(std::vector<DeliveryRow> rows);
    // telling people, on the reactor's thread
    void start_telling();
    [[nodiscard]] std::string not_well() const;

    // ApiBackend, on the server's thread.
    std::vector<Incident> incidents() const override;
    Result<Incident> incident(const std::string& id) const override;
    Status command(OperatorCommand command) override;
    Status accept(std::vector<Alert> alerts) override;
    Status change(ChangeNotice change) override;
    std::string metrics() const override;
    std::vector<std::string> clusters() const override { return names_of(config); }
    WallTime now() const override { return read_clock().wall; }
    std::string not_healthy() const override;
    std::string not_ready() const override { return looked ? "" : "not every target has been looked at yet"; }
};

// --- Start and stop
// -----------------------------------------------------------------------------------------------------------

Result<void> Agent::State::open() {
    MEDIC_TRY(lock, FolderLock::take(config.data_dir));
    pause_file = config.data_dir + "/PAUSE";
    MEDIC_TRY(journal, Journal::open({.path = config.data_dir + "/journal.db"}));
    const JournalState restored = journal->load(read_clock().wall);
    if (!restored.complete)
        options.say("the journal could not be read in full, so nothing may act: " + restored.problem);
    for (const AlertRow& alert : restored.alerts)
        alerts_known.insert(alert.fingerprint + "|" + std::to_string(alert.starts_at.unix_ms) + "|" +
                            (alert.firing ? "firing" : "resolved"));

    LoopOptions loop_options;
    loop_options.policy = options.policy;
    loop_options.remedies = remedies::all_remedies();
    loop_options.guards = guards::all_guards();
    loop_options.clusters = clusters_of(config);
    BrainOptions brain_options{.rules_directory = options.rules_directory,
                               .remedies = {},
                               .cluster_default = config.clusters.size() == 1 ? config.clusters[0].name : "",
                               .interval = config.intervals.evaluate};
    MEDIC_TRY(brain, Brain::make(brain_options));
    const Planner planner(loop_options.remedies);
    const auto may = what_may_change(options.policy, planner, names_of(config));
    if (may.empty()) options.say("may change nothing: no policy allows it; every remedy is observed only");
    for (const std::string& line : may) options.say("may change: " + line);
    loop = std::make_unique<Loop>(std::move(loop_options), restored);
    shown = to_tell = loop->incidents();
    told = restored.deliveries;
    for (const IncidentRow& row : restored.untold)
        if (auto incident = from_row(row)) to_tell.push_back(*std::move(incident));
    MEDIC_TRY(links, VerdictLinks::open(config.data_dir + "/link.key"));

    TokenFile tokens;
    if (!config.api_token_file.empty()) {
        MEDIC_TRY(tokens, TokenFile::open(config.api_token_file));
    }
    api = std::make_unique<Api>(*this, std::move(tokens), links);
    const auto colon = config.api_listen.rfind(':');
    HttpServerOptions server_options;
    server_options.host = config.api_listen.substr(0, colon);
    server_options.port = static_cast<std::uint16_t>(std::atoi(config.api_listen.c_str() + colon + 1));
    server_options.connections_max = 64;
    MEDIC_TRY(server,
              HttpServer::start(server_options, [this](const HttpRequest& request) { return api->handle(request); }));
    api_url = api_url_of(config, server_options.host, server->port());
    std::ofstream(config.data_dir + "/api_address") << server_options.host << ":" << server->port() << "\n";
    return {};
}

void Agent::State::run() {
    fetcher = std::make_unique<HttpFetcher>(reactor, HttpFetcherOptions{.access = access_of(config)});
    world = std::make_unique<RealWorld>(reactor, *fetcher, doors_of(config),
                                        [this](OperationReply reply) { on_reply(std::move(reply)); });
    knowledge = std::make_unique<Knowledge>(config, knowledge_options(config));
    ingest = std::make_unique<Worker>("ingest", mailbox_max);
    core = std::make_unique<Worker>("core", mailbox_max);
    journal_thread = std::make_unique<Worker>("journal", mailbox_max);
    watcher = std::make_unique<Watcher>(Watcher::Parts{config, reactor, *fetcher, *ingest, *knowledge});
    watcher->prepare();
    for (const ClusterConfig& cluster : config.clusters) {
        const auto client = watcher->kafka(cluster.name);
        if (!client) continue;
        if (!kafka_changes) kafka_changes = std::make_unique<Worker>("kafka-changes", 256);
        world->set_kafka(cluster.name, [this, client](const Operation& operation,
                                                      const std::function<void(Result<std::string>)>& done) {
            if (!kafka_changes->post([client, operation, done] { done(change_kafka(*client, operation)); }))
                done(fail(ErrorCode::unavailable, "too many Kafka changes are waiting"));
        });
    }
    reactor.every(tick_every, tick_every, [this] { give(TimerTick{}); });
    reactor.every(config.intervals.evaluate, config.intervals.evaluate,
                  [this] { (void)ingest->post([this] { evaluate(); }); });
    reactor.every(tick_every, tick_every, [this] {
        auto counts = watcher->look_counts();
        const std::lock_guard guard(shared_mutex);
        metrics_now.looks = std::move(counts);
    });
    watcher->start();
    start_telling();
    io = std::make_unique<Worker>("io", 1);
    (void)io->post([this] { reactor.run(); });
    // What the loop carries over from the journal wants facts before the first report.
    give(TimerTick{});
}

void Agent::State::stop() {
    if (stopped.exchange(true)) return;
    if (server) server->stop();
    reactor.stop();
    if (io) io->stop();
    if (watcher) watcher->stop();
    if (kafka_changes) kafka_changes->stop();
    if (ingest) ingest->stop();
    if (core) core->stop();
    if (journal_thread) journal_thread->stop();
    std::error_code ignored;
    std::filesystem::remove(config.data_dir + "/api_address", ignored);
}

// --- Ingest
// ---------------------------------------------------------------------------------------------------------------------

void Agent::State::evaluate() {
    const Now now = read_clock();
    double lateness = 0;
    if (evaluated_at)
        lateness = std::max(
            0.0, static_cast<double>((now.monotonic - *evaluated_at - config.intervals.evaluate).count()) / 1000);
    evaluated_at = now.monotonic;
    knowledge->tick_lateness(lateness, now.wall);
    DiagnosisReport report = brain->evaluate(*knowledge, now);
    name_owners(config, report.diagnoses);
    report.tick_lateness_seconds = lateness;
    if (!looked && knowledge->looked_at_all()) looked = true;
    const StoreUsage usage = knowledge->series().usage();
    {
        const std::lock_guard guard(shared_mutex);
        metrics_now.series = usage.series;
        metrics_now.series_refused = usage.rejected_by_cluster;
        metrics_now.sample_bytes = usage.sample_bytes;
        metrics_now.events = knowledge->timeline().size();
        metrics_now.targets = report.targets_total;
        metrics_now.targets_blind = report.blind_targets.size();
        metrics_now.symptoms = brain->rules().symptoms().size();
        metrics_now.diagnoses = report.diagnoses.size();
        metrics_now.tick_lateness_seconds = lateness;
    }
    say_budgets(usage);
    give(knowledge->operations(now.wall));
    answer_facts(now.wall);
    give(std::move(report));
    if (!forgot_at || now.monotonic - *forgot_at > forget_every) {
        forgot_at = now.monotonic;
        knowledge->forget(now.wall);
        release_free_memory();
    }
}

// Once per cluster: what is not kept can't be seen, and a person must know.
void Agent::State::say_budgets(const StoreUsage& usage) {
    for (const auto& [cluster, refused] : usage.rejected_by_cluster)
        if (budgets_said.insert(cluster).second)
            options.say(cluster + ": has its " + std::to_string(config.limits.series_per_cluster) +
                        " series, no more are kept: what is new is not watched; raise limits.series_per_cluster or "
                        "narrow what its pages tell");
}

Fact Agent::State::fact(const FactKey& key, WallTime now) const {
    if (key == pause_file_key()) {
        std::error_code error;
        const bool there = std::filesystem::exists(pause_file, error);
        Fact fact{key.subject, key.name, std::nullopt, "", now};
        if (!error) fact.value = there ? 1 : 0;
        return fact;
    }
    return knowledge->fact(key, now);
}

void Agent::State::answer_facts(WallTime now) {
    if (wanted.empty()) return;
    Facts facts;
    for (const FactKey& key : wanted) facts.facts.push_back(fact(key, now));
    give(std::move(facts));
}

// --- Core
// -----------------------------------------------------------------------------------------------------------------------

// Inputs that arrive together are judged together: one tick for all that is there when it runs.
void Agent::State::give(Input input) {
    core->post_waiting([this, input = std::move(input)]() mutable {
        inputs.push_back(std::move(input));
        if (std::exchange(tick_due, true)) return;
        if (!core->post([this] { tick(); })) tick();
    });
}

void Agent::State::tick() {
    tick_due = false;
    const std::vector<Input> now_inputs = std::exchange(inputs, {});
    const Now now = read_clock();
    Effects effects = loop->tick(now, now_inputs);
    {
        const std::lock_guard guard(shared_mutex);
        if (!effects.incident_updates.empty()) shown = loop->incidents();
        metrics_now.last_tick = now.wall;
        metrics_now.loop = loop->health();
        metrics_now.operations += effects.operations.size();
    }
    tell_service_manager(ServiceState::alive);
    apply(std::move(effects));
}

void Agent::State::apply(Effects effects) {
    if (effects.fact_requests != asked) {
        asked = effects.fact_requests;
        (void)ingest->post([this, keys = asked] {
            wanted = keys;
            answer_facts(read_clock().wall);
        });
    }
    for (Notification& notification : effects.notifications) {
        options.say(notification.incident + (notification.cluster.empty() ? "" : " " + notification.cluster) + ": " +
                    notification.text);
        if (notification.kind != Notification::Kind::agent) continue;
        reactor.post([this, text = std::move(notification.text)] { notifier->notice(text); });
    }
    if (effects.journal.empty() && effects.operations.empty()) return;
    journal_thread->post_waiting([this, effects = std::move(effects)]() mutable { write(std::move(effects)); });
}

// --- Telling people
// --------------------------------------------------------------------------------------------------------------

void Agent::State::start_telling() {
    messenger = std::make_unique<HttpFetcher>(reactor, HttpFetcherOptions{});
    notifier = std::make_unique<Notifier>(
        NotifierParts{.receivers = config.notify,
                      .reactor = reactor,
                      .fetcher = *messenger,
                      .api_url = api_url,
                      .config_path = std::filesystem::absolute(config.path).lexically_normal().string(),
                      .links = &links,
                      .clock = [] { return read_clock(); },
                      .journal = [this](std::vector<DeliveryRow> rows) { keep(std::move(rows)); },
                      .not_well = [this] { return not_well(); },
                      .say = options.say,
                      .desk = {}});
    notifier->restore(std::exchange(told, {}), std::exchange(to_tell, {}));
    notifier->start();
    reactor.every(tick_every, tick_every, [this] {
        auto stats = notifier->stats();
        const std::lock_guard guard(shared_mutex);
        metrics_now.notify = std::move(stats);
    });
}

// Not merely alive: an agent whose journal fails would act on nothing.
std::string Agent::State::not_well() const {
    if (std::string why = not_healthy(); !why.empty()) return why;
    const std::lock_guard guard(shared_mutex);
    return metrics_now.loop.acting ? "" : metrics_now.loop.problem;
}

// Lost only with the disk: then the message is told once more after a restart, under the same key.
void Agent::State::keep(std::vector<DeliveryRow> rows) {
    (void)journal_thread->post([this, rows = std::move(rows)]() mutable {
        std::vector<JournalEntry> entries(std::make_move_iterator(rows.begin()), std::make_move_iterator(rows.end()));
        if (journal->append(std::move(entries))) (void)journal->flush();
    });
}

// --- Journal
// --------------------------------------------------------------------------------------------------------------------

void Agent::State::write(Effects effects) {
    std::vector<Operation> operations = std::move(effects.operations);
    const auto sequence = journal->append(std::move(effects.journal));
    // People are told once it is durable, or when it can't be: they must hear of it above all when the disk is full.
    const auto tell = [&] {
        reactor.post([this, changed = std::move(effects.incident_updates)] { notifier->update(changed); });
    };
    if (!sequence) {
        tell();
        options.say("the journal takes nothing more, nothing acts: " + sequence.error().message);
        for (Operation& operation : operations)
            give(OperationReply{operation.key, fail(ErrorCode::not_ready, "not sent: {}", sequence.error().message)});
        return give(JournalAck{.sequence = 0, .durable = false});
    }
    outbox.hold(*sequence, std::move(operations));
    const JournalAckResult ack = journal->flush();
    tell();
    if (!ack.durable) options.say("the journal can't be written, nothing acts: " + ack.problem);
    std::error_code error;
    const bool paused = std::filesystem::exists(pause_file, error) || error;
    for (Operation& operation :
         outbox.release(ack.sequence, ack.durable, paused ? Outbox::Stop::paused : Outbox::Stop::none)) {
        options.say("sends " + describe(operation));
        world->send(std::move(operation));
    }
    for (OperationReply& refused : outbox.take_refused()) give(std::move(refused));
    give(JournalAck{.sequence = ack.sequence, .durable = ack.durable});
}

// --- API
// ------------------------------------------------------------------------------------------------------------------------

std::vector<Incident> Agent::State::incidents() const {
    const std::lock_guard guard(shared_mutex);
    return shown;
}

Result<Incident> Agent::State::incident(const std::string& id) const {
    {
        const std::lock_guard guard(shared_mutex);
        for (const Incident& one : shown)
            if (one.id == id) return one;
    }
    MEDIC_TRY(const auto reader, Journal::open_read_only(config.data_dir + "/journal.db"));
    MEDIC_TRY(const IncidentRow row, reader->incident(id));
    return from_row(row);
}

Status Agent::State::command(OperatorCommand command) {
    give(std::move(command));
    return {};
}

// Durable first, then the loop, then 200.
Status Agent::State::accept(std::vector<Alert> alerts) {
    std::vector<JournalEntry> rows;
    std::vector<Alert> fresh;
    std::vector<std::string> keys;
    for (Alert& alert : alerts) {
        std::string key = alert.fingerprint + "|" + std::to_string(alert.starts_at.unix_ms) + "|" +
                          (alert.firing ? "firing" : "resolved");
        if (alerts_known.contains(key)) continue;
        std::string labels;
        for (const auto& [name, value] : alert.labels) labels += name + "=" + value + "\n";
        rows.push_back(AlertRow{.fingerprint = alert.fingerprint,
                                .starts_at = alert.starts_at,
                                .received_at = now(),
                                .firing = alert.firing,
                                .subject = alert.subject.kind.empty() ? "" : to_string(alert.subject),
                                .name = alert.name,
                                .received_from = alert.received_from,
                                .labels = labels});
        fresh.push_back(std::move(alert));
        keys.push_back(std::move(key));
    }
    if (rows.empty()) return {};
    auto written = std::make_shared<std::promise<Status>>();
    auto done = written->get_future();
    const bool taken = journal_thread->post([this, rows = std::move(rows), written]() mutable {
        const auto sequence = journal->append(std::move(rows));
        if (!sequence) return written->set_value(std::unexpected(sequence.error()));
        const JournalAckResult ack = journal->flush();
        written->set_value(ack.durable ? Status{} : fail(ErrorCode::unavailable, "{}", ack.problem));
    });
    if (!taken) return fail(ErrorCode::unavailable, "the journal is behind; send the alerts again");
    if (done.wait_for(journal_wait) != std::future_status::ready)
        return fail(ErrorCode::unavailable, "the journal is slow; send the alerts again");
    MEDIC_CHECK(done.get());
    // Forgetting the oldest only means that a very old alert would be written again, under the same key.
    if (alerts_known.size() > alerts_known_max) alerts_known.clear();
    alerts_known.insert(keys.begin(), keys.end());
    for (Alert& alert : fresh) give(std::move(alert));
    return {};
}

Status Agent::State::change(ChangeNotice change) {
    const bool taken = ingest->post([this, change = std::move(change)] {
        Event event{.at = change.at,
                    .subject = change.subject,
                    .kind = change.kind,
                    .text = change.text,
                    .fields = {{"version", change.version}, {"by", change.by}},
                    .id = ""};
        if (!change.version_before.empty()) event.fields["version_before"] = change.version_before;
        event.id = to_string(change.subject) + "/" + change.kind + "/" + std::to_string(change.at.unix_ms);
        (void)knowledge->timeline().record(std::move(event));
    });
    return taken ? Status{} : fail(ErrorCode::unavailable, "busy; tell of it again");
}

std::string Agent::State::metrics() const {
    const std::lock_guard guard(shared_mutex);
    OwnMetrics now_metrics = metrics_now;
    now_metrics.requests = fetcher ? fetcher->requests() : 0;
    now_metrics.writing_requests = fetcher ? fetcher->writing_requests() : 0;
    now_metrics.incidents_by_state.clear();
    for (const Incident& one : shown) ++now_metrics.incidents_by_state[std::string(to_string(one.state))];
    return page(now_metrics);
}

std::string Agent::State::not_healthy() const {
    const std::lock_guard guard(shared_mutex);
    constexpr Duration silent_max{30'000};
    if (metrics_now.last_tick.unix_ms != 0 && now() - metrics_now.last_tick > silent_max)
        return "the loop has not ticked for 30 s";
    return "";
}

// --- Agent
// ----------------------------------------------------------------------------------------------------------------------

Agent::Agent(std::unique_ptr<State> state) : state_(std::move(state)) {}
Agent::~Agent() { stop(); }

Result<std::unique_ptr<Agent>> Agent::start(AgentOptions options) {
    auto state = std::make_unique<State>(std::move(options));
    MEDIC_CHECK(state->open());
    state->run();
    return std::unique_ptr<Agent>(new Agent(std::move(state)));
}

void Agent::stop() { state_->stop(); }
std::uint16_t Agent::port() const { return state_->server->port(); }
std::uint64_t Agent::writing_requests() const { return state_->fetcher->writing_requests(); }

}  // namespace medic
