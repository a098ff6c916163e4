#include <algorithm>

#include "agent/wire/messages/all.h"
#include "tests/fleet/answers_internal.h"

namespace medic::fleet {
namespace {

using namespace wire;

constexpr std::int64_t records_per_s = 50;  // Of each partition.

struct Asked {
    const KafkaAnswers& self;
    const RequestView& request;
    std::int64_t passed_ms;
    int broker;

    template <class Request>
    [[nodiscard]] Request body() const {
        auto decoded = decode<Request>(request.body, request.header.version);
        return decoded ? *std::move(decoded) : Request{};
    }
    template <class Response>
    [[nodiscard]] Bytes say(const Response& response) const {
        auto frame = encode_response(request.header.version, request.header.correlation_id, response);
        return frame ? *std::move(frame) : Bytes();
    }
    [[nodiscard]] int brokers() const { return self.size.brokers; }
    [[nodiscard]] std::string topic(int index) const {
        return "topic-" + std::to_string(self.cluster) + "-" + std::to_string(index);
    }
    [[nodiscard]] std::string group(int index) const {
        return "group-" + std::to_string(self.cluster) + "-" + std::to_string(index);
    }
    [[nodiscard]] std::int64_t end_offset() const { return 1'000'000 + passed_ms * records_per_s / 1000; }
    // Three replicas, or as many as there are brokers; the first one leads.
    [[nodiscard]] std::vector<std::int32_t> replicas(int topic_index, int partition) const {
        std::vector<std::int32_t> all;
        for (int r = 0; r < std::min(3, brokers()); ++r) all.push_back((topic_index + partition + r) % brokers());
        return all;
    }

    [[nodiscard]] Bytes api_versions() const;
    [[nodiscard]] Bytes metadata() const;
    [[nodiscard]] Bytes log_dirs() const;
    [[nodiscard]] Bytes list_groups() const;
    [[nodiscard]] Bytes describe_groups() const;
    [[nodiscard]] Bytes find_coordinator() const;
    [[nodiscard]] Bytes offset_fetch() const;
    [[nodiscard]] Bytes list_offsets() const;
    [[nodiscard]] Bytes configs() const;
};

Bytes Asked::api_versions() const {
    ApiVersionsResponse response;
    for (const ApiKey key : {ApiKey::api_versions, ApiKey::metadata, ApiKey::describe_log_dirs, ApiKey::list_groups,
                             ApiKey::describe_groups, ApiKey::find_coordinator, ApiKey::offset_fetch,
                             ApiKey::list_offsets, ApiKey::list_partition_reassignments, ApiKey::describe_configs})
        response.apis.push_back({static_cast<std::int16_t>(key), api_info(key).version_min, api_info(key).version_max});
    return say(response);
}

Bytes Asked::metadata() const {
    MetadataResponse response;
    response.cluster_id = "fleet-" + std::to_string(self.cluster);
    response.controller_id = 0;
    for (int id = 0; id < brokers(); ++id)
        response.brokers.push_back(
            {id, "127.0.0.1", self.ports[static_cast<std::size_t>(id)], "zone-" + std::to_string(id)});
    const auto asked = body<MetadataRequest>();
    for (int t = 0; t < self.size.topics; ++t) {
        if (asked.topics && std::ranges::none_of(*asked.topics, [&](const auto& one) { return one.name == topic(t); }))
            continue;
        auto& entry = response.topics.emplace_back();
        entry.name = topic(t);
        for (int p = 0; p < self.size.partitions; ++p) {
            const auto held = replicas(t, p);
            entry.partitions.push_back({KafkaError::none, p, held[0], 0, held, held, {}});
        }
    }
    return say(response);
}

Bytes Asked::log_dirs() const {
    DescribeLogDirsResponse response;
    auto& dir = response.log_dirs.emplace_back();
    dir.path = "/data/kafka";
    dir.total_bytes = 500'000'000'000;
    dir.usable_bytes = 300'000'000'000 - passed_ms * 20;
    for (int t = 0; t < self.size.topics; ++t) {
        auto& entry = dir.topics.emplace_back();
        entry.name = topic(t);
        for (int p = 0; p < self.size.partitions; ++p)
            if (std::ranges::count(replicas(t, p), broker) > 0)
                entry.partitions.push_back({.partition = p, .size_bytes = end_offset() * 100});
    }
    return say(response);
}

Bytes Asked::list_groups() const {
    ListGroupsResponse response;
    for (int g = broker; g < self.size.groups; g += brokers())
        response.groups.push_back({group(g), "consumer", "Stable", "classic"});
    return say(response);
}

Bytes Asked::describe_groups() const {
    DescribeGroupsResponse response;
    for (const std::string& id : body<DescribeGroupsRequest>().groups) {
        auto& entry = response.groups.emplace_back();
        entry.group_id = id;
        entry.state = "Stable";
        entry.protocol_type = "consumer";
        entry.protocol_data = "range";
        for (int m = 0; m < 2; ++m)
            entry.members.push_back(
                {.member_id = id + "-m" + std::to_string(m), .client_id = "app", .client_host = "/127.0.0.1"});
    }
    return say(response);
}

Bytes Asked::find_coordinator() const {
    const auto asked = body<FindCoordinatorRequest>();
    const auto of = [&](const std::string& id) {
        const auto dash = id.rfind('-');
        return dash == std::string::npos ? 0 : std::atoi(id.c_str() + dash + 1) % brokers();
    };
    FindCoordinatorResponse response;
    const auto port = [&](int id) { return static_cast<std::int32_t>(self.ports[static_cast<std::size_t>(id)]); };
    for (const auto& key : asked.keys)
        response.coordinators.push_back({.key = key, .node_id = of(key), .host = "127.0.0.1", .port = port(of(key))});
    response.node_id = of(asked.key);
    response.host = "127.0.0.1";
    response.port = port(response.node_id);
    return say(response);
}

Bytes Asked::offset_fetch() const {
    const auto asked = body<OffsetFetchRequest>();
    // Each group reads two topics and stays a little behind.
    const auto topics = [&](const std::string& id) {
        std::vector<OffsetFetchResponse::Topic> all;
        const auto dash = id.rfind('-');
        const int first = dash == std::string::npos ? 0 : std::atoi(id.c_str() + dash + 1);
        for (const int t : {first % self.size.topics, (first + 1) % self.size.topics}) {
            auto& entry = all.emplace_back();
            entry.name = topic(t);
            for (int p = 0; p < self.size.partitions; ++p)
                entry.partitions.push_back({.partition = p, .offset = end_offset() - 40});
        }
        return all;
    };
    OffsetFetchResponse response;
    if (request.header.version >= 8) {
        for (const auto& one : asked.groups)
            response.groups.push_back({.group_id = one.group_id, .topics = topics(one.group_id)});
    } else {
        response.topics = topics(asked.group_id);
    }
    return say(response);
}

Bytes Asked::list_offsets() const {
    ListOffsetsResponse response;
    for (const auto& topic : body<ListOffsetsRequest>().topics) {
        auto& entry = response.topics.emplace_back();
        entry.name = topic.name;
        for (const auto& partition : topic.partitions)
            entry.partitions.push_back(
                {.partition = partition.partition, .offset = partition.timestamp == kLatestOffset ? end_offset() : 0});
    }
    return say(response);
}

Bytes Asked::configs() const {
    DescribeConfigsResponse response;
    for (const auto& resource : body<DescribeConfigsRequest>().resources) {
        auto& entry = response.resources.emplace_back();
        entry.type = resource.type;
        entry.name = resource.name;
        entry.configs.push_back({.name = "retention.ms", .value = "604800000"});
        entry.configs.push_back({.name = "min.insync.replicas", .value = "2"});
    }
    return say(response);
}

}  // namespace

wire::Bytes KafkaAnswers::answer(int broker, const wire::RequestView& request, std::int64_t passed_ms) const {
    const Asked asked{*this, request, passed_ms, broker};
    switch (request.header.api) {
        case ApiKey::api_versions: return asked.api_versions();
        case ApiKey::metadata: return asked.metadata();
        case ApiKey::describe_log_dirs: return asked.log_dirs();
        case ApiKey::list_groups: return asked.list_groups();
        case ApiKey::describe_groups: return asked.describe_groups();
        case ApiKey::find_coordinator: return asked.find_coordinator();
        case ApiKey::offset_fetch: return asked.offset_fetch();
        case ApiKey::list_offsets: return asked.list_offsets();
        case ApiKey::list_partition_reassignments: return asked.say(ListPartitionReassignmentsResponse{});
        case ApiKey::describe_configs: return asked.configs();
        default: return {};
    }
}

}  // namespace medic::fleet
