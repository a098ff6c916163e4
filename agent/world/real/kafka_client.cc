#include "agent/world/real/kafka_client.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>

#include "agent/wire/messages/membership.h"

namespace medic {
namespace {

using namespace wire;
using Clock = std::chrono::steady_clock;

constexpr Duration kBackoffFirst{50};   // Kafka's default: reconnect.backoff.ms
constexpr Duration kBackoffMax{1'000};  // Kafka's default: reconnect.backoff.max.ms
constexpr Duration kBackoffRefusedMax{10'000};
constexpr Duration kAnyAttemptMax{2'000};  // One broker's share of a call that any broker can answer.

// A mutex with a deadline. Not std::timed_mutex: the thread sanitizer of g++ 12 does not see its time-outs.
class BusyLock {
public:
    bool try_lock_until(KafkaDeadline deadline) {
        std::unique_lock lock(mutex_);
        if (!freed_.wait_until(lock, deadline, [this] { return !busy_; })) return false;
        return busy_ = true;
    }
    void unlock() {
        {
            const std::lock_guard lock(mutex_);
            busy_ = false;
        }
        freed_.notify_one();
    }

private:
    std::mutex mutex_;
    std::condition_variable freed_;
    bool busy_ = false;
};

struct Unlock {
    void operator()(BusyLock* lock) const { lock->unlock(); }
};

// One broker's connection. `busy` is held during a call; the rest belongs to its holder.
struct Slot {
    explicit Slot(KafkaEndpoint at) : endpoint(std::move(at)) {}

    const KafkaEndpoint endpoint;
    BusyLock busy;
    KafkaConnection connection;
    Duration backoff{0};
    KafkaDeadline retry_at{};
    Error last_error;
    std::atomic<bool> failing = false;  // Readable by all: asked last when anyone will do.
};

}  // namespace

struct KafkaClient::Impl {
    explicit Impl(KafkaClientOptions given) : options(std::move(given)), cluster_id(options.cluster_id) {}

    const KafkaClientOptions options;
    const KafkaConnectionOptions connection_options{options.client_id, options.security};
    std::atomic<bool> stopped = false;

    std::mutex mutex;  // Guards what follows; never held during I/O.
    std::map<std::int32_t, std::shared_ptr<Slot>> slots;
    std::vector<std::shared_ptr<Slot>> bootstrap;
    Status bootstrap_status;
    KafkaBrokers cluster;
    std::optional<Clock::time_point> cluster_known_at;
    std::map<std::string, std::int32_t> coordinators;
    std::string cluster_id;  // Of the cluster that this client is for; "" = not known yet.

    Status open(Slot& slot, KafkaDeadline deadline);
    Status check_cluster(Slot& slot, KafkaDeadline deadline);
    Status same_cluster(const std::string& found, const std::string& where);
    Status make_usable(Slot& slot, KafkaDeadline deadline);
    // The slot's connection, usable and ours for as long as the lock is held.
    Result<std::unique_ptr<BusyLock, Unlock>> take(Slot& slot, KafkaDeadline deadline);
    // `reached`: a connection was there; without it an error is about the connection, not about the call.
    Result<Answer> exchange_with(Slot& slot, ApiKey api, const Encode& encode, KafkaDeadline deadline, bool& reached);
    Result<Answer> exchange_locked(Slot& slot, ApiKey api, const Encode& encode, KafkaDeadline deadline);
    // An answer that `judge` finds unavailable sends the call on to the next broker.
    using Judge = std::function<Status(const Answer&)>;
    Result<Answer> exchange_with_any(ApiKey api, const Encode& encode, KafkaDeadline deadline, const Judge& judge = {});
    std::vector<std::shared_ptr<Slot>> candidates();
    Result<std::shared_ptr<Slot>> slot_of(std::int32_t broker_id);
    Result<MetadataResponse> metadata(const std::optional<std::vector<std::string>>& topics, KafkaDeadline deadline);
    Result<KafkaBrokers> brokers(KafkaDeadline deadline);
    Result<std::int32_t> coordinator(const std::string& group_id, KafkaDeadline deadline);
    void remember(const MetadataResponse& response);
};

KafkaClient::KafkaClient(KafkaClientOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {
    for (const std::string& text : impl_->options.bootstrap) {
        if (auto endpoint = parse_endpoint(text)) {
            impl_->bootstrap.push_back(std::make_shared<Slot>(*std::move(endpoint)));
        } else {
            impl_->bootstrap_status = std::unexpected(endpoint.error());
        }
    }
    if (impl_->bootstrap.empty() && impl_->bootstrap_status)
        impl_->bootstrap_status = fail(ErrorCode::invalid, "no bootstrap broker given");
}

KafkaClient::~KafkaClient() = default;

Status KafkaClient::Impl::open(Slot& slot, KafkaDeadline deadline) {
    const auto now = Clock::now();
    if (now < slot.retry_at)
        return fail(slot.last_error.code, "broker {} is left alone for {} ms: {}", to_string(slot.endpoint),
                    std::chrono::ceil<Duration>(slot.retry_at - now).count(), slot.last_error.message);
    const KafkaDeadline until = std::min(deadline, now + options.connect_timeout);
    MEDIC_CHECK(slot.connection.open(slot.endpoint, connection_options, until));
    Status status = options.check_cluster ? check_cluster(slot, until) : Status();
    if (!status) slot.connection.close();
    return status;
}

// Addresses outlive clusters: behind one that was given to another cluster everything would look plausible and be
// wrong.
Status KafkaClient::Impl::check_cluster(Slot& slot, KafkaDeadline deadline) {
    MetadataRequest request;  // No topics: brokers and the cluster's id alone.
    request.topics.emplace();
    request.allow_auto_topic_creation = false;
    MEDIC_TRY(const Answer answer, exchange_locked(slot, ApiKey::metadata, encoder_of(request), deadline));
    MEDIC_TRY(const auto response, decode<MetadataResponse>(answer.body(), answer.version));
    return same_cluster(response.cluster_id.value_or(""), to_string(slot.endpoint));
}

Status KafkaClient::Impl::same_cluster(const std::string& found, const std::string& where) {
    if (found.empty()) return {};  // A broker that still starts may not know it yet.
    const std::lock_guard lock(mutex);
    if (cluster_id.empty()) cluster_id = found;
    if (cluster_id == found) return {};
    return fail(ErrorCode::invalid,
                "broker {} belongs to another cluster: its cluster id is {}, expected {}; correct `bootstrap` or "
                "`cluster_id`, or restart the agent if the cluster was built anew",
                where, found, cluster_id);
}

Result<KafkaClient::Answer> KafkaClient::Impl::exchange_locked(Slot& slot, ApiKey api, const Encode& encode,
                                                               KafkaDeadline deadline) {
    MEDIC_TRY(const std::int16_t version, slot.connection.version(api));
    const std::int32_t id = slot.connection.next_correlation_id();
    MEDIC_TRY(const Bytes frame,
              encode({.api = api, .version = version, .correlation_id = id, .client_id = options.client_id}));
    bool sent = false;
    auto answer = slot.connection.exchange(frame, deadline, sent);
    if (!answer) {
        if (sent && api_info(api).effect == Effect::changes)
            return fail(ErrorCode::outcome_unknown, "{} was sent and not answered: {}", wire::to_string(api),
                        answer.error().message);
        return fail(answer.error().code, "{}: {}", wire::to_string(api), answer.error().message);
    }
    const auto body = decode_response_header(*answer, api, version, id);
    if (!body) {
        slot.connection.close();  // Out of step: no later answer on it can be trusted.
        return fail(api_info(api).effect == Effect::changes ? ErrorCode::outcome_unknown : ErrorCode::unavailable,
                    "broker {}: {}", to_string(slot.endpoint), body.error().message);
    }
    const std::size_t body_at = answer->size() - body->size();
    return Answer{*std::move(answer), body_at, version};
}

Status KafkaClient::Impl::make_usable(Slot& slot, KafkaDeadline deadline) {
    if (slot.connection.is_usable()) return slot.connection.keep_logged_in(deadline);
    slot.connection.close();
    return open(slot, deadline);
}

Result<std::unique_ptr<BusyLock, Unlock>> KafkaClient::Impl::take(Slot& slot, KafkaDeadline deadline) {
    if (!slot.busy.try_lock_until(deadline))
        return fail(ErrorCode::unavailable, "broker {}: another call kept the connection busy",
                    to_string(slot.endpoint));
    std::unique_ptr<BusyLock, Unlock> held(&slot.busy);
    if (stopped) return fail(ErrorCode::unavailable, "the client was stopped");
    if (Status status = make_usable(slot, deadline); !status) {
        if (Clock::now() >= slot.retry_at) {
            const bool refused = status.error().code == ErrorCode::invalid;
            slot.backoff = std::clamp(slot.backoff * 2, kBackoffFirst, refused ? kBackoffRefusedMax : kBackoffMax);
            slot.retry_at = Clock::now() + slot.backoff;
            slot.last_error = status.error();
            slot.failing = true;
        }
        return std::unexpected(status.error());
    }
    return held;
}

Result<KafkaClient::Answer> KafkaClient::Impl::exchange_with(Slot& slot, ApiKey api, const Encode& encode,
                                                             KafkaDeadline deadline, bool& reached) {
    reached = false;
    MEDIC_TRY(const auto held, take(slot, deadline));
    reached = true;
    auto answer = exchange_locked(slot, api, encode, deadline);
    if (slot.connection.is_usable()) {
        slot.backoff = Duration{0};
        slot.failing = false;
    } else {
        slot.failing = true;
        slot.last_error = answer ? Error{ErrorCode::unavailable, "it closed the connection"} : answer.error();
    }
    return answer;
}

std::vector<std::shared_ptr<Slot>> KafkaClient::Impl::candidates() {
    const std::lock_guard lock(mutex);
    std::vector<std::shared_ptr<Slot>> found;
    for (const auto& [id, slot] : slots) found.push_back(slot);
    // Known brokers first; an address of the bootstrap list that is one of them is not asked twice.
    for (const auto& slot : bootstrap) {
        const auto same = [&](const auto& other) { return other->endpoint == slot->endpoint; };
        if (std::ranges::none_of(found, same)) found.push_back(slot);
    }
    std::ranges::stable_partition(found, [](const auto& slot) { return !slot->failing; });
    return found;
}

Result<KafkaClient::Answer> KafkaClient::Impl::exchange_with_any(ApiKey api, const Encode& encode,
                                                                 KafkaDeadline deadline, const Judge& judge) {
    MEDIC_CHECK(bootstrap_status);
    Error last{ErrorCode::unavailable, "no broker known"};
    for (const auto& slot : candidates()) {
        const auto now = Clock::now();
        if (now >= deadline) break;
        bool reached = false;
        auto answer = exchange_with(*slot, api, encode, std::min(deadline, now + kAnyAttemptMax), reached);
        if (answer && judge) {
            if (const Status status = judge(*answer); !status) answer = std::unexpected(status.error());
        }
        if (answer || (reached && answer.error().code != ErrorCode::unavailable)) return answer;
        // What someone has to mend is worth more than that another broker is down.
        if (last.code != ErrorCode::invalid) last = answer.error();
    }
    return std::unexpected(last);
}

Result<std::shared_ptr<Slot>> KafkaClient::Impl::slot_of(std::int32_t broker_id) {
    const std::lock_guard lock(mutex);
    const auto found = slots.find(broker_id);
    if (found != slots.end()) return found->second;
    // A broker that still starts may name none yet: the next call looks anew instead of trusting that for minutes.
    cluster_known_at.reset();
    coordinators.clear();
    return fail(ErrorCode::outdated, "broker {} is not in the cluster's metadata", broker_id);
}

void KafkaClient::Impl::remember(const MetadataResponse& response) {
    const std::lock_guard lock(mutex);
    cluster = {};
    cluster.controller_id = response.controller_id;
    cluster.cluster_id = response.cluster_id.value_or("");
    for (const auto& broker : response.brokers) {
        cluster.brokers[broker.node_id] = {broker.host, broker.port};
        if (broker.rack) cluster.racks[broker.node_id] = *broker.rack;
    }
    std::erase_if(slots, [&](const auto& entry) { return !cluster.brokers.contains(entry.first); });
    for (const auto& [id, endpoint] : cluster.brokers) {
        auto& slot = slots[id];
        if (!slot || slot->endpoint != endpoint) slot = std::make_shared<Slot>(endpoint);
    }
    cluster_known_at = Clock::now();
}

Result<MetadataResponse> KafkaClient::Impl::metadata(const std::optional<std::vector<std::string>>& topics,
                                                     KafkaDeadline deadline) {
    MetadataRequest request;
    request.allow_auto_topic_creation = false;
    if (topics) {
        request.topics.emplace();
        for (const std::string& topic : *topics) request.topics->push_back({.topic_id = {}, .name = topic});
    }
    MetadataResponse response;
    const auto understand = [&response](const Answer& answer) -> Status {
        MEDIC_TRY(response, decode<MetadataResponse>(answer.body(), answer.version));
        // A broker that still starts knows of none, not even of itself: that is no cluster without brokers.
        if (response.brokers.empty()) return fail(ErrorCode::unavailable, "the cluster's metadata names no broker");
        return {};
    };
    MEDIC_CHECK(exchange_with_any(ApiKey::metadata, encoder_of(request), deadline, understand));
    remember(response);
    return response;
}

Result<KafkaBrokers> KafkaClient::Impl::brokers(KafkaDeadline deadline) {
    {
        const std::lock_guard lock(mutex);
        if (cluster_known_at && Clock::now() - *cluster_known_at < options.metadata_max_age) return cluster;
    }
    MEDIC_CHECK(metadata(std::vector<std::string>(), deadline));
    const std::lock_guard lock(mutex);
    return cluster;
}

Result<std::int32_t> KafkaClient::Impl::coordinator(const std::string& group_id, KafkaDeadline deadline) {
    {
        const std::lock_guard lock(mutex);
        if (const auto found = coordinators.find(group_id); found != coordinators.end()) return found->second;
    }
    FindCoordinatorRequest request;
    request.key = group_id;
    request.keys = {group_id};
    MEDIC_TRY(const Answer answer, exchange_with_any(ApiKey::find_coordinator, encoder_of(request), deadline));
    MEDIC_TRY(auto response, decode<FindCoordinatorResponse>(answer.body(), answer.version));
    if (!response.coordinators.empty()) {
        const auto& first = response.coordinators.front();
        response.error = first.error;
        response.error_message = first.error_message;
        response.node_id = first.node_id;
    }
    MEDIC_CHECK(check(response.error, "coordinator of group " + group_id, response.error_message.value_or("")));
    const std::lock_guard lock(mutex);
    return coordinators[group_id] = response.node_id;
}

Result<KafkaClient::Answer> KafkaClient::exchange(const KafkaTarget& target, ApiKey api, const Encode& encode,
                                                  std::optional<Duration> timeout) {
    const KafkaDeadline deadline = Clock::now() + timeout.value_or(impl_->options.request_timeout);
    if (target.kind == KafkaTarget::Kind::any) return impl_->exchange_with_any(api, encode, deadline);
    std::int32_t id = target.broker_id;
    MEDIC_TRY(const KafkaBrokers cluster, impl_->brokers(deadline));
    if (target.kind == KafkaTarget::Kind::controller) {
        id = cluster.controller_id;
        if (id < 0) {
            forget_metadata();
            return fail(ErrorCode::unavailable, "the cluster has no controller at the moment");
        }
    } else if (target.kind == KafkaTarget::Kind::group) {
        MEDIC_TRY(id, impl_->coordinator(target.group_id, deadline));
    }
    MEDIC_TRY(const std::shared_ptr<Slot> slot, impl_->slot_of(id));
    bool reached = false;
    auto answer = impl_->exchange_with(*slot, api, encode, deadline, reached);
    // A broker that doesn't answer may have moved, or handed its roles to another one.
    if (!answer && target.kind != KafkaTarget::Kind::broker) forget_metadata();
    return answer;
}

Result<std::int16_t> KafkaClient::version_at(std::int32_t broker_id, ApiKey api, std::optional<Duration> timeout) {
    const KafkaDeadline deadline = Clock::now() + timeout.value_or(impl_->options.request_timeout);
    MEDIC_CHECK(impl_->brokers(deadline));
    MEDIC_TRY(const std::shared_ptr<Slot> slot, impl_->slot_of(broker_id));
    MEDIC_TRY(const auto held, impl_->take(*slot, deadline));
    return slot->connection.version(api);
}

Result<FetchResponse> KafkaClient::fetch(std::int32_t broker_id, const FetchRequest& request, Bytes& frame,
                                         std::optional<Duration> timeout) {
    MEDIC_TRY(Answer answer, exchange(KafkaTarget::broker(broker_id), ApiKey::fetch, encoder_of(request), timeout));
    frame = std::move(answer.frame);
    return decode<FetchResponse>(BytesView(frame).substr(answer.body_at), answer.version);
}

Result<KafkaBrokers> KafkaClient::brokers() { return impl_->brokers(Clock::now() + impl_->options.request_timeout); }

Result<MetadataResponse> KafkaClient::metadata(const std::optional<std::vector<std::string>>& topics,
                                               std::optional<Duration> timeout) {
    return impl_->metadata(topics, Clock::now() + timeout.value_or(impl_->options.request_timeout));
}

void KafkaClient::learn(const MetadataResponse& metadata) { impl_->remember(metadata); }

void KafkaClient::forget_metadata() {
    const std::lock_guard lock(impl_->mutex);
    impl_->cluster_known_at.reset();
    impl_->coordinators.clear();
}

bool KafkaClient::stopped() const { return impl_->stopped; }

void KafkaClient::stop() {
    impl_->stopped = true;
    const std::lock_guard lock(impl_->mutex);
    for (const auto& [id, slot] : impl_->slots) slot->connection.interrupt();
    for (const auto& slot : impl_->bootstrap) slot->connection.interrupt();
}

void KafkaClient::run_all(const std::vector<std::function<void()>>& calls) {
    std::vector<std::jthread> threads;
    std::size_t next = 1;
    // Where no more threads are to be had (TasksMax, in an outage of many brokers), the rest follows one by one.
    try {
        for (; next < calls.size(); ++next) threads.emplace_back(calls[next]);
    } catch (const std::system_error&) {
        for (; next < calls.size(); ++next) calls[next]();
    }
    if (!calls.empty()) calls.front()();
}

}  // namespace medic
