// The implementation of kafka_fake_internal.h; part of the test program only.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <set>

#include "agent/wire/messages/all.h"
#include "agent/world/real/kafka_fake_internal.h"

namespace medic {

using namespace wire;

struct FakeKafka::Broker {
    int id = 0, port = 0, listener = -1;
    std::atomic<bool> running = false;
    std::jthread acceptor;
    std::mutex mutex;
    std::set<int> sockets;
    std::vector<std::jthread> servers;
};

namespace {

template <class Request>
Request body(const RequestView& request) {
    auto decoded = decode<Request>(request.body, request.header.version);
    EXPECT_TRUE(decoded) << decoded.error().message;
    return decoded ? *std::move(decoded) : Request{};
}

template <class Response>
Bytes answer(const RequestView& request, const Response& response) {
    auto frame = encode_response(request.header.version, request.header.correlation_id, response);
    EXPECT_TRUE(frame) << frame.error().message;
    return frame ? *std::move(frame) : Bytes();
}

}  // namespace

FakeKafka::FakeKafka(int brokers, int partitions) : logs_(static_cast<std::size_t>(partitions)) {
    for (int id = 0; id < brokers; ++id) {
        brokers_.push_back(std::make_unique<Broker>());
        brokers_.back()->id = id;
        start(id);
    }
}

FakeKafka::~FakeKafka() {
    release();
    for (const auto& broker : brokers_) stop(broker->id);
}

std::string FakeKafka::address(int broker) const {
    return "127.0.0.1:" + std::to_string(brokers_[static_cast<std::size_t>(broker)]->port);
}

std::vector<std::string> FakeKafka::bootstrap() const {
    std::vector<std::string> all;
    for (const auto& broker : brokers_) all.push_back(address(broker->id));
    return all;
}

void FakeKafka::start(int id) {
    Broker& broker = *brokers_[static_cast<std::size_t>(id)];
    broker.listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(broker.listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(broker.port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ASSERT_EQ(::bind(broker.listener, reinterpret_cast<sockaddr*>(&address), size), 0);
    ASSERT_EQ(::listen(broker.listener, 64), 0);
    getsockname(broker.listener, reinterpret_cast<sockaddr*>(&address), &size);
    {
        const std::lock_guard lock(mutex_);  // The others' metadata answers name it.
        broker.port = ntohs(address.sin_port);
    }
    broker.running = true;
    broker.acceptor = std::jthread([this, &broker] { accept_connections(broker); });
}

void FakeKafka::stop(int id) {
    Broker& broker = *brokers_[static_cast<std::size_t>(id)];
    if (!broker.running.exchange(false)) return;
    ::shutdown(broker.listener, SHUT_RDWR);
    broker.acceptor.join();
    ::close(broker.listener);
    {
        const std::lock_guard lock(broker.mutex);
        for (const int socket : broker.sockets) ::shutdown(socket, SHUT_RDWR);
    }
    broker.servers.clear();
}

void FakeKafka::move(int id) {
    stop(id);
    {
        const std::lock_guard lock(mutex_);
        brokers_[static_cast<std::size_t>(id)]->port = 0;
    }
    start(id);
}

void FakeKafka::accept_connections(Broker& broker) {
    while (broker.running) {
        const int socket = ::accept4(broker.listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (socket < 0) return;
        const std::lock_guard lock(broker.mutex);
        broker.sockets.insert(socket);
        broker.servers.emplace_back([this, &broker, socket] { serve(broker, socket); });
    }
}

void FakeKafka::serve(Broker& broker, int socket) {
    Listener listener;
    change_listener([&](const Listener& now) { listener = now; });
    const auto& asked = listener.logins;
    FakeChannel channel(socket, listener.tls.get());
    FakeSaslServer sasl_server(asked ? *asked : FakeLogins{});
    for (bool open = channel.open(); open;) {
        char prefix[kSizePrefixBytes];
        if (!channel.read(prefix, sizeof prefix)) break;
        const auto size = frame_size(BytesView(prefix, sizeof prefix));
        if (!size) break;
        Bytes frame(*size, '\0');
        if (!channel.read(frame.data(), frame.size())) break;
        const auto request = decode_request_header(frame);
        if (!request) break;
        const Fate fate = on_request ? on_request(broker.id, request->header) : Fate::answer;
        if (fate == Fate::hang) {
            std::unique_lock lock(mutex_);
            ++hanging_;
            changed_.notify_all();
            changed_.wait(lock, [this] { return released_; });
            break;
        }
        Bytes answer = sasl(*request, sasl_server);
        if (asked && answer.empty() && request->header.api != ApiKey::api_versions && !sasl_server.logged_in()) break;
        if (answer.empty()) answer = handle(broker.id, *request, fate);
        open = fate != Fate::swallow && !answer.empty() && channel.write(answer);
    }
    const std::lock_guard lock(broker.mutex);
    broker.sockets.erase(socket);
    ::close(socket);
}

Bytes FakeKafka::sasl(const RequestView& request, FakeSaslServer& server) {
    const bool handshake = request.header.api == ApiKey::sasl_handshake;
    if (!handshake && request.header.api != ApiKey::sasl_authenticate) return {};
    {
        const std::lock_guard lock(mutex_);
        ++seen_[request.header.api];
    }
    return handshake ? answer(request, server.handshake(body<SaslHandshakeRequest>(request)))
                     : answer(request, server.authenticate(body<SaslAuthenticateRequest>(request)));
}

void FakeKafka::wait_until_hanging() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return hanging_ > 0; });
}

void FakeKafka::release() {
    const std::lock_guard lock(mutex_);
    released_ = true;
    changed_.notify_all();
}

int FakeKafka::requests(ApiKey api) const {
    const std::lock_guard lock(mutex_);
    const auto found = seen_.find(api);
    return found == seen_.end() ? 0 : found->second;
}

Bytes FakeKafka::log(int partition) const {
    const std::lock_guard lock(mutex_);
    return logs_[static_cast<std::size_t>(partition)].bytes;
}

void FakeKafka::append(int partition, Bytes batches, int records) {
    const std::lock_guard lock(mutex_);
    Log& log = logs_[static_cast<std::size_t>(partition)];
    set_base_offset(batches, log.end);
    log.bytes += batches;
    log.end += records;
}

void FakeKafka::cut_log(int partition, std::int64_t start_offset) {
    const std::lock_guard lock(mutex_);
    Log& log = logs_[static_cast<std::size_t>(partition)];
    log.start = start_offset;
    BytesView rest = log.bytes;
    while (const auto batch = BatchView::parse(rest)) {
        if (batch->last_offset() >= start_offset) break;
        rest.remove_prefix(batch->size());
    }
    log.bytes = Bytes(rest);
}

Bytes FakeKafka::handle(int broker, const RequestView& request, Fate fate) {
    const std::lock_guard lock(mutex_);
    ++seen_[request.header.api];
    switch (request.header.api) {
        case ApiKey::api_versions: return api_versions(request);
        case ApiKey::metadata: return metadata(broker, request);
        case ApiKey::produce: return produce(request, fate);
        case ApiKey::fetch: return fetch(request, fate);
        case ApiKey::list_offsets: return list_offsets(request, fate);
        case ApiKey::find_coordinator:
        case ApiKey::offset_commit:
        case ApiKey::offset_fetch: return offsets(request);
        case ApiKey::init_producer_id: {
            InitProducerIdResponse response;
            response.producer_id = 1000 + seen_[request.header.api];
            response.producer_epoch = 0;
            return answer(request, response);
        }
        case ApiKey::list_groups: return answer(request, ListGroupsResponse{});
        case ApiKey::delete_topics: return answer(request, DeleteTopicsResponse{});
        default: return {};
    }
}

Bytes FakeKafka::api_versions(const RequestView& request) const {
    ApiVersionsResponse response;
    if (request.header.version >= 3 && !knows_api_versions_v3) {
        RequestView as_v0 = request;
        as_v0.header.version = 0;
        response.error = KafkaError::unsupported_version;
        return answer(as_v0, response);
    }
    for (const ApiInfo& api : all_apis()) {
        const auto given = versions.find(api.key);
        const auto range = given == versions.end() ? std::pair(api.version_min, api.version_max) : given->second;
        response.apis.push_back({static_cast<std::int16_t>(api.key), range.first, range.second});
    }
    return answer(request, response);
}

Bytes FakeKafka::metadata(int asked_broker, const RequestView& request) const {
    MetadataResponse response;
    response.cluster_id = cluster_id;
    response.controller_id = 0;
    for (const auto& broker : brokers_)
        if (!starting.contains(asked_broker)) response.brokers.push_back({broker->id, "127.0.0.1", broker->port, {}});
    MetadataResponse::Topic topic;
    topic.name = "t";
    for (std::int32_t p = 0; p < static_cast<std::int32_t>(logs_.size()); ++p) {
        const auto leader = p % static_cast<std::int32_t>(brokers_.size());
        topic.partitions.push_back({KafkaError::none, p, leader, 0, {leader}, {leader}, {}});
    }
    const auto asked = body<MetadataRequest>(request);
    if (!asked.topics) response.topics.push_back(topic);
    for (const auto& wanted : asked.topics.value_or(std::vector<MetadataRequest::Topic>())) {
        if (wanted.name != "t")
            response.topics.push_back({KafkaError::unknown_topic_or_partition, wanted.name, {}, false, {}});
        else
            response.topics.push_back(topic);
    }
    return answer(request, response);
}

Bytes FakeKafka::produce(const RequestView& request, Fate fate) {
    ProduceResponse response;
    for (const auto& topic : body<ProduceRequest>(request).topics) {
        auto& answered = response.topics.emplace_back();
        answered.name = topic.name;
        for (const auto& partition : topic.partitions) {
            auto& result = answered.partitions.emplace_back();
            result.partition = partition.partition;
            if (fate == Fate::refuse) {
                result.error = KafkaError::not_leader_or_follower;
                continue;
            }
            Log& log = logs_[static_cast<std::size_t>(partition.partition)];
            Bytes batch(*partition.records);
            const auto view = BatchView::parse(batch);
            EXPECT_TRUE(view && view->check());
            if (view->producer_id() >= 0) {
                const auto last = log.last_sequence.find(view->producer_id());
                if (last != log.last_sequence.end() && last->second == view->base_sequence()) {
                    result.error = KafkaError::duplicate_sequence_number;
                    continue;
                }
                log.last_sequence[view->producer_id()] = view->base_sequence();
            }
            result.base_offset = log.end;
            set_base_offset(batch, log.end);
            log.end += view->record_count();
            log.bytes += batch;
        }
    }
    return answer(request, response);
}

Bytes FakeKafka::fetch(const RequestView& request, Fate fate) {
    FetchResponse response;
    for (const auto& topic : body<FetchRequest>(request).topics) {
        auto& answered = response.topics.emplace_back();
        answered.name = topic.name;
        for (const auto& partition : topic.partitions) {
            const Log& log = logs_[static_cast<std::size_t>(partition.partition)];
            auto& result = answered.partitions.emplace_back();
            result.partition = partition.partition;
            result.high_watermark = result.last_stable_offset = log.end;
            result.aborted_transactions.emplace();
            for (const auto& [producer, first] : aborted_transactions)
                result.aborted_transactions->push_back({producer, first});
            if (fate == Fate::refuse)
                result.error = KafkaError::not_leader_or_follower;
            else if (partition.fetch_offset < log.start || partition.fetch_offset > log.end)
                result.error = KafkaError::offset_out_of_range;
            else if (partition.fetch_offset < log.end)
                result.records = log.bytes;  // From the log's start: consumers must skip what they have.
        }
    }
    return answer(request, response);
}

Bytes FakeKafka::list_offsets(const RequestView& request, Fate fate) const {
    ListOffsetsResponse response;
    for (const auto& topic : body<ListOffsetsRequest>(request).topics) {
        auto& answered = response.topics.emplace_back();
        answered.name = topic.name;
        for (const auto& partition : topic.partitions) {
            const Log& log = logs_[static_cast<std::size_t>(partition.partition)];
            auto& result = answered.partitions.emplace_back();
            result.partition = partition.partition;
            if (fate == Fate::refuse)
                result.error = KafkaError::not_leader_or_follower;
            else
                result.offset = partition.timestamp == kLatestOffset ? log.end : log.start;
        }
    }
    return answer(request, response);
}

Bytes FakeKafka::offsets(const RequestView& request) {
    if (request.header.api == ApiKey::find_coordinator) {
        const auto asked = body<FindCoordinatorRequest>(request);
        FindCoordinatorResponse response;
        for (const auto& key : asked.keys)
            response.coordinators.push_back({.key = key, .node_id = 0, .host = "127.0.0.1"});
        response.node_id = 0;
        return answer(request, response);
    }
    if (request.header.api == ApiKey::offset_commit) {
        OffsetCommitResponse response;
        for (const auto& topic : body<OffsetCommitRequest>(request).topics) {
            auto& answered = response.topics.emplace_back();
            answered.name = topic.name;
            for (const auto& partition : topic.partitions) {
                committed_[partition.partition] = partition.offset;
                answered.partitions.push_back({partition.partition, KafkaError::none});
            }
        }
        return answer(request, response);
    }
    OffsetFetchResponse response;
    const auto asked = body<OffsetFetchRequest>(request);
    const auto answer_topics = [&](const auto& topics) {
        std::vector<OffsetFetchResponse::Topic> answered;
        for (const auto& topic : *topics) {
            answered.emplace_back().name = topic.name;
            for (const std::int32_t partition : topic.partitions) {
                auto& result = answered.back().partitions.emplace_back();
                result.partition = partition;
                if (committed_.contains(partition)) result.offset = committed_.at(partition);
            }
        }
        return answered;
    };
    if (request.header.version >= 8)
        response.groups.push_back({.group_id = "g", .topics = answer_topics(asked.groups.at(0).topics)});
    else
        response.topics = answer_topics(asked.topics);
    return answer(request, response);
}

}  // namespace medic
