#include "agent/daemon/watcher.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>

#include "agent/collectors/connect/connect.h"
#include "agent/collectors/flink/flink.h"
#include "agent/collectors/process/process.h"
#include "agent/collectors/prometheus/page_target.h"
#include "agent/collectors/prometheus/server.h"
#include "agent/daemon/kafka_reader.h"
#include "agent/world/real/clock.h"
#include "agent/world/real/command.h"

namespace medic {
namespace {

// A REST answer later than this is none: three looks of the fastest default interval.
constexpr Duration rest_timeout{3'000};
// A full JMX page of a busy broker takes 0.3–2.2 s.
constexpr Duration page_timeout{8'000};
// A broker that has not answered by then counts as silent in this look.
constexpr Duration kafka_timeout{2'000};

// How often a Prometheus server is asked: its own usual scrape interval.
constexpr Duration prometheus_every{15'000};

// What need not be read from pages, because it is watched itself.
std::set<std::string, std::less<>> watched(const ClusterConfig& cluster) {
    std::set<std::string, std::less<>> what;
    if (!cluster.kafka.bootstrap.empty()) what.insert("kafka");
    if (!cluster.connect_urls.empty()) what.insert("connect");
    if (!cluster.flink_urls.empty()) what.insert("flink");
    return what;
}

Result<HttpAnswer> answer_of(Result<FetchReply> reply) {
    if (!reply) return std::unexpected(reply.error());
    return HttpAnswer{reply->status, std::move(reply->content_type), std::move(reply->body)};
}

// One HTTP collector and the look under way. `open` and `begun` belong to the ingest thread, `busy` to the reactor's.
struct HttpTarget {
    std::unique_ptr<HttpCollector> collector;
    std::string cluster;
    Duration interval{0};
    std::size_t open = 0;
    bool busy = false;
};

struct Page {
    std::unique_ptr<PageTarget> target;
    const ClusterConfig* cluster = nullptr;
    const PageConfig* config = nullptr;
    std::uint64_t links_version = 0;
    bool busy = false;
};

struct Processes {
    std::unique_ptr<ProcessCollector> collector;
    Duration command_timeout{0};
    std::atomic<bool> busy = false;
};

struct Kafka {
    std::unique_ptr<KafkaCollector> collector;
    std::shared_ptr<KafkaClient> client;
    std::unique_ptr<KafkaReader> reader;
    std::unique_ptr<Worker> thread;
    std::atomic<bool> busy = false;
};

std::string target_name(const std::string& cluster, const std::string& what, const std::string& address,
                        std::size_t of) {
    return cluster + "/" + what + (of > 1 ? "/" + address : "");
}

}  // namespace

struct Watcher::State {
    explicit State(Parts parts_in) : parts(parts_in) {}

    Parts parts;
    std::vector<std::unique_ptr<HttpTarget>> http;
    std::vector<std::unique_ptr<Page>> pages;
    std::vector<std::unique_ptr<Processes>> processes;
    std::map<std::string, std::unique_ptr<Kafka>> kafka;

    void add_cluster(const ClusterConfig& cluster);
    void add_http(const std::string& cluster, std::unique_ptr<HttpCollector> collector, Duration interval);
    void add_pages(const ClusterConfig& cluster);
    void add_processes(const ClusterConfig& cluster);

    void look(HttpTarget& target);
    void ask(HttpTarget& target, std::vector<HttpAsk> asks);
    void scrape(Page& page);
    void look(Processes& target);
    void look(Kafka& target);
    [[nodiscard]] PageOwner owner(const Page& page) const;
};

void Watcher::State::add_http(const std::string& cluster, std::unique_ptr<HttpCollector> collector, Duration interval) {
    parts.knowledge.expect(collector->target(), cluster, interval);
    auto target = std::make_unique<HttpTarget>();
    target->collector = std::move(collector);
    target->cluster = cluster;
    target->interval = interval;
    http.push_back(std::move(target));
}

void Watcher::State::add_pages(const ClusterConfig& cluster) {
    for (const PageConfig& config : cluster.pages) {
        auto page = std::make_unique<Page>();
        page->cluster = &cluster;
        page->config = &config;
        const std::string name =
            cluster.name + "/" + (config.node.empty() ? authority_of(config.url) : config.node) + "/metrics";
        page->target = std::make_unique<PageTarget>(name, PageOwner{});
        page->target->set_owner(owner(*page));
        parts.knowledge.expect(name, cluster.name, config.interval);
        pages.push_back(std::move(page));
    }
}

void Watcher::State::add_processes(const ClusterConfig& cluster) {
    if (cluster.nodes.empty()) return;
    ProcessCollectorOptions options{.cluster = cluster.name, .target = cluster.name + "/process", .nodes = {}};
    options.ticks_per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
    options.page_bytes = static_cast<double>(sysconf(_SC_PAGESIZE));
    Duration timeout{1'000};
    for (const NodeConfig& node : cluster.nodes) {
        const auto status = node.driver.commands.find("status");
        options.nodes.push_back({node.name, node.role, node.zone, node.spare,
                                 status == node.driver.commands.end() ? std::vector<std::string>{} : status->second});
        timeout = std::max(timeout, node.driver.timeout);
    }
    parts.knowledge.expect(options.target, cluster.name, parts.config.intervals.process);
    auto target = std::make_unique<Processes>();
    target->collector = std::make_unique<ProcessCollector>(std::move(options));
    target->command_timeout = timeout;
    processes.push_back(std::move(target));
}

void Watcher::State::add_cluster(const ClusterConfig& cluster) {
    const IntervalsConfig& every = parts.config.intervals;
    for (const std::string& url : cluster.flink_urls) {
        FlinkCollectorOptions options{
            .cluster = cluster.name,
            .url = url,
            .target = target_name(cluster.name, "flink", authority_of(url), cluster.flink_urls.size())};
        for (const DeploymentConfig& deployment : cluster.deployments)
            for (const DeploymentVersion& version : deployment.versions)
                options.artifacts[deployment.job][version.id] =
                    std::filesystem::path(version.artifact).filename().string();
        add_http(cluster.name, std::make_unique<FlinkCollector>(std::move(options)), every.flink);
    }
    if (!cluster.connect_urls.empty())
        add_http(cluster.name,
                 std::make_unique<ConnectCollector>(ConnectCollectorOptions{
                     .cluster = cluster.name, .urls = cluster.connect_urls, .target = cluster.name + "/connect"}),
                 every.connect);
    if (!cluster.prometheus.url.empty())
        add_http(
            cluster.name,
            std::make_unique<PrometheusCollector>(PrometheusCollectorOptions{.cluster = cluster.name,
                                                                             .url = cluster.prometheus.url,
                                                                             .match = cluster.prometheus.match,
                                                                             .target = cluster.name + "/prometheus",
                                                                             .watched = watched(cluster)}),
            prometheus_every);
    if (!cluster.kafka.bootstrap.empty()) {
        auto target = std::make_unique<Kafka>();
        target->collector = std::make_unique<KafkaCollector>(
            KafkaCollectorOptions{.cluster = cluster.name, .target = cluster.name + "/kafka"});
        target->client = std::make_shared<KafkaClient>(KafkaClientOptions{.bootstrap = cluster.kafka.bootstrap,
                                                                          .client_id = "streammedic",
                                                                          .security = cluster.kafka.security,
                                                                          .cluster_id = cluster.kafka.cluster_id,
                                                                          .check_cluster = true,
                                                                          .request_timeout = kafka_timeout});
        target->reader = make_kafka_reader(target->client, kafka_timeout);
        parts.knowledge.expect(target->collector->target(), cluster.name, every.kafka);
        kafka.emplace(cluster.name, std::move(target));
    }
    add_processes(cluster);
    add_pages(cluster);
}

PageOwner Watcher::State::owner(const Page& page) const {
    const ClusterConfig& cluster = *page.cluster;
    const NodeLink link = parts.knowledge.link(cluster.name, page.config->node);
    const NodeConfig* node = cluster.node(page.config->node);
    PageOwner owner{.cluster = cluster.name,
                    .node = page.config->node,
                    .role = node != nullptr ? node->role : "",
                    .broker = link.broker,
                    .worker = link.worker,
                    .taskmanager = link.taskmanager,
                    .watched = {}};
    if (page.config->kind == "connect-worker" && owner.worker.empty() && cluster.connect_urls.size() == 1)
        owner.worker = authority_of(cluster.connect_urls[0]);
    owner.watched = watched(cluster);
    if (node == nullptr || node->driver.can("status")) owner.watched.insert("process");
    return owner;
}

// Reactor thread → ingest (begin) → reactor (fetch) → ingest (answer, which may ask more) → … → ingest (finish, apply).
void Watcher::State::look(HttpTarget& target) {
    if (target.busy) return;  // The last look is not over: one at a time, a slow target is asked less.
    target.busy = parts.ingest.post([this, &target] { ask(target, target.collector->begin(read_clock().wall)); });
}

void Watcher::State::ask(HttpTarget& target, std::vector<HttpAsk> asks) {
    target.open += asks.size();
    if (target.open == 0) {
        parts.knowledge.apply(target.collector->finish());
        parts.reactor.post([&target] { target.busy = false; });
        return;
    }
    if (asks.empty()) return;
    parts.reactor.post([this, &target, asks = std::move(asks)] {
        for (const HttpAsk& one : asks)
            parts.fetcher.fetch(
                {.url = one.url, .cluster = target.cluster, .timeout = rest_timeout},
                [this, &target, one](Result<FetchReply> reply) {
                    parts.ingest.post_waiting([this, &target, one, answer = answer_of(std::move(reply))] {
                        auto more = target.collector->answer(one, answer);
                        --target.open;
                        ask(target, std::move(more));
                    });
                });
    });
}

void Watcher::State::scrape(Page& page) {
    if (page.busy) return;
    page.busy = true;
    const WallTime at = read_clock().wall;
    FetchRequest request{.url = page.config->url,
                         .cluster = page.cluster->name,
                         .timeout = page_timeout,
                         .body_bytes_max = 64 * 1024 * 1024};
    request.headers = {{"Accept", "text/plain;version=0.0.4"}};
    parts.fetcher.fetch(std::move(request), [this, &page, at](Result<FetchReply> reply) {
        page.busy = false;
        parts.ingest.post_waiting([this, &page, at, answer = answer_of(std::move(reply))] {
            if (const auto version = parts.knowledge.links_version(); version != page.links_version) {
                page.links_version = version;
                page.target->set_owner(owner(page));
            }
            parts.knowledge.apply(page.cluster->name, page.target->read(answer, parts.knowledge.series(), at));
        });
    });
}

void Watcher::State::look(Processes& target) {
    if (target.busy.exchange(true)) return;
    const bool taken = parts.ingest.post([this, &target] {
        const WallTime at = read_clock().wall;
        for (StatusAsk& ask : target.collector->due(at))
            parts.reactor.post([this, &target, ask = std::move(ask)] {
                run_command(parts.reactor,
                            {.argv = ask.argv, .timeout = target.command_timeout, .output_bytes_max = 64 * 1024},
                            [this, &target, node = ask.node](Result<CommandReply> reply) {
                                Result<std::string> output =
                                    reply ? Result<std::string>(reply->output) : std::unexpected(reply.error());
                                if (reply && reply->exit_code != 0)
                                    output = fail(ErrorCode::unavailable, "its status command ended with {}: {}",
                                                  reply->exit_code, reply->errors.substr(0, 200));
                                parts.ingest.post_waiting([&target, node, output] {
                                    target.collector->answer(node, output, read_clock().wall);
                                });
                            });
            });
        parts.knowledge.apply(target.collector->look(at));
        target.busy = false;
    });
    if (!taken) target.busy = false;
}

void Watcher::State::look(Kafka& target) {
    if (target.busy.exchange(true)) return;
    const bool taken = target.thread->post([this, &target] {
        auto observation = target.collector->look(*target.reader, read_clock().wall);
        parts.ingest.post_waiting(
            [this, observation = std::move(observation)]() mutable { parts.knowledge.apply(std::move(observation)); });
        target.busy = false;
    });
    if (!taken) target.busy = false;
}

Watcher::Watcher(Parts parts) : state_(std::make_unique<State>(parts)) {}
Watcher::~Watcher() { stop(); }

void Watcher::prepare() {
    for (const ClusterConfig& cluster : state_->parts.config.clusters) state_->add_cluster(cluster);
    for (auto& [name, target] : state_->kafka) target->thread = std::make_unique<Worker>("kafka", 4);
}

void Watcher::start() {
    State& state = *state_;
    Reactor& reactor = state.parts.reactor;
    const IntervalsConfig& every = state.parts.config.intervals;
    // The first looks come at once, later ones spread out, so that they do not all fall into the same moment.
    constexpr Duration spread{37};
    Duration phase{0};
    for (auto& target : state.http)
        reactor.every(target->interval, phase += spread, [&state, &one = *target] { state.look(one); });
    for (auto& target : state.processes)
        reactor.every(every.process, phase += spread, [&state, &one = *target] { state.look(one); });
    for (auto& [name, target] : state.kafka)
        reactor.every(every.kafka, phase += spread, [&state, &one = *target] { state.look(one); });
    // Pages speak of brokers and workers that the others must have found first.
    constexpr Duration pages_after{1'500};
    phase += pages_after;
    for (auto& page : state.pages)
        reactor.every(page->config->interval, phase += spread, [&state, &one = *page] { state.scrape(one); });
}

void Watcher::stop() {
    for (auto& [name, target] : state_->kafka) {
        target->client->stop();
        if (target->thread) target->thread->stop();
    }
}

std::shared_ptr<KafkaClient> Watcher::kafka(const std::string& cluster) const {
    const auto found = state_->kafka.find(cluster);
    return found == state_->kafka.end() ? nullptr : found->second->client;
}

}  // namespace medic
