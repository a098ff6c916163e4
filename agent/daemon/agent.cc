#include "agent/daemon/agent.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "agent/daemon/agent_state_internal.h"
#include "agent/daemon/behaviour.h"
#include "agent/daemon/doors.h"
#include "agent/daemon/kafka_door.h"
#include "agent/daemon/sender.h"
#include "agent/loop/incident_codec.h"
#include "agent/practice/drill_files.h"
#include "remediations/remedies/remedies.h"

namespace medic {
namespace {

constexpr std::size_t mailbox_max = 8'192;

// Where people reach the API, for links: as configured, or where it listens.
std::string api_url_of(const Config& config, std::uint16_t port) {
    if (!config.api_external_url.empty()) return config.api_external_url;
    return "http://" + to_string(reachable({.host = config.api_address.host, .port = port}));
}

KnowledgeOptions knowledge_options(const Config& config) {
    KnowledgeOptions options;
    options.store.series_per_cluster_max = config.limits.series_per_cluster;
    options.timeline.events_per_cluster_max = config.limits.events_per_cluster;
    return options;
}

}  // namespace

Result<void> Agent::State::open() {
    MEDIC_TRY(lock, FolderLock::take(config.data_dir));
    pause_file = config.data_dir + "/PAUSE";
    MEDIC_TRY(sender, sender_of(config.data_dir));
    MEDIC_TRY(journal, Journal::open({.path = config.data_dir + "/journal.db"}));
    const JournalState restored = journal->load(read_clock().wall);
    if (!restored.complete)
        options.say("the journal could not be read in full, so nothing may act: " + restored.problem);
    for (const AlertRow& alert : restored.alerts)
        alerts_known.add(alert_key(alert.fingerprint, alert.starts_at, alert.firing));

    LoopOptions loop_options;
    loop_options.policy = options.policy;
    if (const std::string& first = options.policy.rollout.first; !first.empty()) {
        const auto names = clusters();
        if (std::ranges::none_of(names, [&](const std::string& name) { return glob_matches(first, name); }))
            return fail(ErrorCode::invalid,
                        "{}: rollout.first: no cluster of {} is {}: name one of its clusters, or a pattern of some",
                        options.policy_path, config.path, first);
        MEDIC_TRY(loop_options.behaviour, behaviour_of({.program = options.program,
                                                        .policy_path = options.policy_path,
                                                        .rules_directory = options.rules_directory}));
    }
    loop_options.remedies = remedies::all_remedies();
    loop_options.guards = guards::all_guards();
    loop_options.clusters = clusters_of(config);
    loop_options.several_agents = config.lease.kind != LeaseConfig::Kind::none;
    loop_options.on_several_hosts = config.lease.kind == LeaseConfig::Kind::etcd;
    MEDIC_CHECK(open_leases());
    MEDIC_TRY(brain, Brain::make(brain_options_of(config, options.rules_directory)));
    const Planner planner(loop_options.remedies);
    const auto may = what_may_change(options.policy, planner, clusters());
    if (may.empty()) options.say("may change nothing: no policy allows it; every remedy is observed only");
    for (const std::string& line : may) options.say("may change: " + line);
    loop = std::make_unique<Loop>(std::move(loop_options), restored);
    shown = loop->incidents();
    shown_cordons = loop->cordons();
    shown_pauses = loop->pauses();
    if (const std::string left = practice::left_to_undo(config.data_dir, config.path); !left.empty()) options.say(left);
    for (const Incident* incident : loop->open_incidents()) to_tell.push_back(*incident);
    told = restored.deliveries;
    node_links = restored.node_links;
    job_runs = restored.job_runs;
    connector_settings = restored.connector_settings;
    topic_settings = restored.topic_settings;
    notices = restored.notices;
    for (const IncidentRow& row : restored.untold)
        if (auto incident = from_row(row)) to_tell.push_back(*std::move(incident));
    MEDIC_TRY(links, VerdictLinks::open(config.data_dir + "/link.key"));

    TokenFile tokens;
    if (!config.api_token_file.empty()) {
        MEDIC_TRY(tokens, TokenFile::open(config.api_token_file));
    }
    api = std::make_unique<Api>(*this, std::move(tokens), links);
    HttpServerOptions server_options;
    server_options.host = config.api_address.host;
    server_options.port = config.api_address.port;
    server_options.connections_max = 64;
    MEDIC_TRY(server, HttpServer::listen(server_options));
    api_url = api_url_of(config, server->port());
    std::ofstream(config.data_dir + "/api_address")
        << to_string(ListenAddress{.host = server_options.host, .port = server->port()}) << "\n";
    return {};
}

// What an earlier agent knew and nobody can be asked any more.
void Agent::State::recall() {
    Knowledge::NodeLinks known;
    for (const NodeLinkRow& row : std::exchange(node_links, {}))
        known[{row.cluster, row.node}] = {.broker = row.broker, .worker = row.worker, .taskmanager = row.taskmanager};
    knowledge->remember_links(known, read_clock().wall);
    links_kept = knowledge->links_version();
    Knowledge::JobRuns runs;
    for (JobRunRow& row : std::exchange(job_runs, {}))
        runs[{row.cluster, row.job}] = {.job = row.job,
                                        .id = row.id,
                                        .before = row.before,
                                        .version = row.version,
                                        .version_before = row.version_before,
                                        .good_version = row.good_version,
                                        .last_good_version = row.last_good_version};
    knowledge->recall(std::move(runs));
    for (const ConnectorSettingsRow& row : std::exchange(connector_settings, {}))
        knowledge->connector_settings().recall({{row.cluster, "connector", row.connector}, row.detail});
    for (const TopicSettingsRow& row : std::exchange(topic_settings, {}))
        knowledge->topic_settings().recall({{row.cluster, "topic", row.topic}, row.detail});
    for (const NoticeRow& notice : std::exchange(notices, {}))
        (void)knowledge->timeline().record(event_of({.subject = parse_subject(notice.cluster, notice.subject),
                                                     .kind = "maintenance",
                                                     .version = "",
                                                     .version_before = "",
                                                     .text = notice.text,
                                                     .by = notice.by,
                                                     .at = notice.at,
                                                     .until = notice.until}));
}

void Agent::State::run() {
    fetcher = std::make_unique<HttpFetcher>(reactor, HttpFetcherOptions{.access = access_of(config)});
    auto doors = doors_of(config);
    for (auto& [name, cluster] : doors) cluster.sender = sender;
    world = std::make_unique<RealWorld>(reactor, *fetcher, std::move(doors),
                                        [this](OperationReply reply) { on_reply(std::move(reply)); });
    knowledge = std::make_unique<Knowledge>(config, knowledge_options(config));
    recall();
    ingest = std::make_unique<Worker>("ingest", mailbox_max);
    core = std::make_unique<Worker>("core", mailbox_max);
    journal_thread = std::make_unique<Worker>("journal", mailbox_max);
    watcher = std::make_unique<Watcher>(Watcher::Parts{config, reactor, *fetcher, *ingest, *knowledge});
    watcher->prepare();
    for (const ClusterConfig& cluster : config.clusters) {
        const auto client = watcher->kafka(cluster.name);
        if (!client) continue;
        KafkaChanges& changes = *kafka_changes.emplace_back(std::make_unique<KafkaChanges>(
            [client](const Operation& operation, const TimeLeft& time) {
                return change_kafka(*client, operation, time);
            },
            [] { return read_clock().monotonic; }));
        world->set_kafka(cluster.name, [&changes](const Operation& operation, const KafkaChanges::Done& done) {
            changes.send(operation, done);
        });
    }
    reactor.every(agent_tick_every, agent_tick_every, [this] { give(TimerTick{}); });
    reactor.every(config.intervals.evaluate, config.intervals.evaluate,
                  [this] { (void)ingest->post([this] { evaluate(); }); });
    reactor.every(agent_tick_every, agent_tick_every, [this] {
        auto counts = watcher->look_counts();
        const std::lock_guard guard(shared_mutex);
        metrics_now.looks = std::move(counts);
    });
    reactor.every(journal_forget_every, agent_tick_every,
                  [this] { (void)journal_thread->post([this] { forget_old(); }); });
    started_at = read_clock().wall;
    ticked_at = judged_at = read_clock().monotonic;
    watcher->start();
    start_telling();
    if (leases) leases->start(reactor);
    io = std::make_unique<Worker>("io", 1);
    (void)io->post([this] { reactor.run(); });
    // What the loop carries over from the journal wants facts before the first report.
    give(TimerTick{});
    // Last: what a request asks for is there by now.
    server->serve([this](const HttpRequest& request) { return api->handle(request); });
}

void Agent::State::stop() {
    if (stopped.exchange(true)) return;
    if (server) server->stop();
    reactor.stop();
    if (io) io->stop();
    if (watcher) watcher->stop();
    for (const auto& changes : kafka_changes) changes->stop();
    if (ingest) ingest->stop();
    if (core) core->stop();
    if (journal_thread) journal_thread->stop();
    if (leases) leases->stop();  // Last: the next agent must not begin while something of ours may still leave.
    std::error_code ignored;
    std::filesystem::remove(config.data_dir + "/api_address", ignored);
}

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
                      .journal =
                          [this](std::vector<DeliveryRow> rows) {
                              keep({std::make_move_iterator(rows.begin()), std::make_move_iterator(rows.end())});
                          },
                      .not_well = [this] { return not_well(); },
                      .say = options.say,
                      .desk = {}});
    notifier->restore(std::exchange(told, {}), std::exchange(to_tell, {}));
    notifier->start();
    reactor.every(agent_tick_every, agent_tick_every, [this] {
        auto stats = notifier->stats();
        const std::lock_guard guard(shared_mutex);
        metrics_now.notify = std::move(stats);
    });
}

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
