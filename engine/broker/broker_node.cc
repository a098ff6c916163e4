#include "engine/broker/broker_node.h"

#include <sys/random.h>

#include <cmath>
#include <cstdlib>

#include "engine/common/log.h"

namespace medic::engine::broker {
namespace {

constexpr std::string_view who = "broker";
constexpr Duration group_tick{100};
constexpr Duration isr_check_max{1'000};
constexpr Duration high_watermark_interval{5'000};   // replica.high.watermark.checkpoint.interval.ms
constexpr Duration offsets_check_interval{600'000};  // offsets.retention.check.interval.ms
constexpr Duration idle_tick{5'000};                 // As the one-minute rates of Kafka's metrics library.

std::string random_text() {
    std::array<std::uint8_t, 16> bytes{};
    static_cast<void>(!::getrandom(bytes.data(), bytes.size(), 0));
    std::string text;
    for (const std::uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
    return text;
}

constexpr std::string_view properties_file = "meta.properties";

std::string stored_cluster_id(const std::filesystem::path& log_dir) {
    const auto text = read_file(log_dir / properties_file).value_or("");
    constexpr std::string_view key = "cluster.id=";
    const auto at = text.find(key);
    if (at == std::string::npos) return "";
    return text.substr(at + key.size(), text.find('\n', at) - at - key.size());
}

FetcherOptions fetcher_options(const BrokerNodeOptions& options, const Config& config) {
    const ClusterImage none;
    const auto number = [&](std::string_view key) {
        return static_cast<std::int32_t>(config.broker_number(none, key));
    };
    return {.self = options.id,
            .wait_max_ms = number("replica.fetch.wait.max.ms"),
            .min_bytes = number("replica.fetch.min.bytes"),
            .partition_bytes_max = number("replica.fetch.max.bytes"),
            .response_bytes_max = number("replica.fetch.response.max.bytes")};
}

}  // namespace

BrokerNode::BrokerNode(Loop& loop, BrokerNodeOptions options)
    : loop_(loop),
      options_(std::move(options)),
      config_(options_.id, options_.config),
      server_(loop,
              {.listen = options_.listen,
               .frame_bytes_max = config_.broker_number(image_, "socket.request.max.bytes"),
               .idle_max = Duration(config_.broker_number(image_, "connections.max.idle.ms"))},
              [this](ReplyTo to, std::span<char> frame) { requests_->on_frame(to, frame); }),
      replicas_({.self = options_.id, .log_dir = options_.log_dir, .capacity_bytes = options_.capacity_bytes}, image_,
                config_,
                {.produce_progress = [this](std::uint64_t request) { produce_->on_progress(request); },
                 .fetch_ready = [this](std::uint64_t request) { fetch_->on_ready(request); },
                 .leadership = [this](const TopicPartition& id) { groups_->on_leadership(id); },
                 .alter_isr =
                     [this](std::vector<AlterPartition> wishes) {
                         link_->alter_partitions(std::move(wishes), [this](const AlterPartition& wish, Fault fault) {
                             replicas_.isr_answer(wish, fault);
                         });
                     },
                 .log_dir_failed = [this] { link_->heartbeat_now(); }}),
      quotas_(image_),
      fetchers_(loop, fetcher_options(options_, config_), image_, config_, replicas_) {}

BrokerNode::~BrokerNode() = default;

Status BrokerNode::start() {
    MEDIC_CHECK(replicas_.start());
    MEDIC_CHECK(server_.listen());
    const ControllerLinkOptions link_options{
        .controller = options_.controller,
        .self = options_.id,
        .advertised = {options_.listen.host, server_.port()},
        .incarnation = random_text(),
        .cluster_id = stored_cluster_id(options_.log_dir),
        .heartbeat_interval = Duration(config_.broker_number(image_, "broker.heartbeat.interval.ms"))};
    link_ = std::make_unique<ControllerLink>(
        loop_, link_options,
        ControllerLink::Callbacks{
            .registered =
                [this](const std::string& cluster_id) {
                    const auto text = fmt::format("version=1\ncluster.id={}\nnode.id={}\n", cluster_id, options_.id);
                    if (const auto stored = replace_file(options_.log_dir / properties_file, text); !stored) {
                        log_error(who, "{}", stored.error().message);
                    }
                },
            .metadata = [this](bool reset,
                               std::vector<MetadataRecord> records) { on_metadata(reset, std::move(records)); },
            .log_dir_offline = [this] { return replicas_.offline(); },
            .may_shut_down = [this] { finish(); },
            .refused =
                [](const std::string& reason) {
                    log_error(who, "{}", reason);
                    std::_Exit(1);
                }});
    const BrokerParts parts{options_.id, loop_, server_, image_, config_, replicas_, *link_, quotas_};
    produce_ = std::make_unique<ProduceRequests>(parts);
    fetch_ = std::make_unique<FetchRequests>(parts);
    groups_ = std::make_unique<GroupRequests>(parts, *produce_);
    requests_ = std::make_unique<Requests>(parts, Requests::Kept{*produce_, *fetch_, *groups_});
    loop_.on_round_end([this] { round_end(); });
    start_timers();
    link_->start();
    log_info(who, "broker {} listens on port {}", options_.id, server_.port());
    return {};
}

void BrokerNode::start_timers() {
    const Duration lag_max(config_.broker_number(image_, "replica.lag.time.max.ms"));
    loop_.every(std::min(lag_max / 2, isr_check_max), [this, lag_max] { replicas_.check_isr(loop_.now(), lag_max); });
    loop_.every(group_tick, [this] { groups_->tick(); });
    loop_.every(offsets_check_interval, [this] { groups_->expire_offsets(); });
    loop_.every(high_watermark_interval, [this] { replicas_.store_high_watermarks(); });
    loop_.every(Duration(config_.broker_number(image_, "log.retention.check.interval.ms")),
                [this] { replicas_.apply_retention(loop_.wall_ms()); });
    loop_.every(idle_tick, [this] { measure_idle(); });
}

// Work that many events of a round ask for once: fetches first, they commit what producers wait for.
void BrokerNode::round_end() {
    produce_->flush();
    fetch_->flush();
    server_.flush_dirty();
}

void BrokerNode::on_metadata(bool reset, std::vector<MetadataRecord> records) {
    std::set<std::string> topics;
    std::set<std::string> removed;
    bool configs = reset;
    const ClusterImage before = reset ? std::exchange(image_, {}) : ClusterImage();
    for (const auto& record : records) {
        image_.apply(record);
        if (const auto* topic = std::get_if<TopicRecord>(&record)) topics.insert(topic->name);
        if (const auto* gone = std::get_if<RemoveTopicRecord>(&record)) removed.insert(gone->name);
        if (const auto* partition = std::get_if<PartitionRecord>(&record)) topics.insert(partition->state.topic);
        configs = configs || std::holds_alternative<ConfigRecord>(record);
    }
    for (const auto& [name, topic] : before.topics()) {
        topics.insert(name);
        const TopicState* now = image_.topic(name);
        if (!now || now->id != topic.id) removed.insert(name);
    }
    topics.insert(removed.begin(), removed.end());
    replicas_.apply(topics, loop_.now());
    if (!removed.empty()) groups_->forget_topics(removed);
    if (configs) {
        replicas_.refresh_options();
        server_.set_connections_max(config_.broker_number(image_, "max.connections"));
    }
    fetchers_.assign();
}

Status BrokerNode::grow_log_dir(std::int64_t capacity_bytes) {
    MEDIC_CHECK(replicas_.grow(capacity_bytes));
    fetchers_.assign();
    link_->heartbeat_now();
    return {};
}

void BrokerNode::block_coordinator(std::int32_t partition) { groups_->block(partition); }

void BrokerNode::measure_idle() {
    const Duration idle = loop_.idle() - std::exchange(idle_seen_, loop_.idle());
    const Duration busy = loop_.busy() - std::exchange(busy_seen_, loop_.busy());
    if ((idle + busy).count() <= 0) return;
    const double ratio = static_cast<double>(idle.count()) / static_cast<double>((idle + busy).count());
    const double weight = 1.0 - std::exp(-static_cast<double>(idle_tick.count()) / 60'000.0);
    idle_ratio_ = idle_ratio_ ? *idle_ratio_ + weight * (ratio - *idle_ratio_) : ratio;
}

void BrokerNode::shut_down(Duration deadline, std::function<void()> done) {
    if (done_) return;
    done_ = std::move(done);
    loop_.after(deadline, [this] { finish(); });
    link_->want_shutdown();
    if (!link_->connected()) finish();
}

void BrokerNode::finish() {
    if (!done_) return;
    server_.stop_listening();
    if (const auto stopped = replicas_.stop(); !stopped) log_error(who, "not flushed: {}", stopped.error().message);
    log_info(who, "broker {} stopped", options_.id);
    std::exchange(done_, nullptr)();
}

}  // namespace medic::engine::broker
