// For this room's tests: what a broker is made of, around a folder, without a controller: a test says what the metadata
// are. Nothing runs unless the test runs the loop.
#pragma once

#include "engine/broker/fetch_requests.h"
#include "engine/broker/group_requests.h"
#include "engine/broker/produce_requests.h"
#include "engine/broker/test_support_internal.h"

namespace medic::engine::broker {

inline constexpr BrokerId scene_broker = 1;

struct BrokerScene {
    explicit BrokerScene(const std::filesystem::path& log_dir)
        : replicas({.self = scene_broker, .log_dir = log_dir}, image, config,
                   {.produce_progress = [this](std::uint64_t request) { produce.on_progress(request); },
                    .fetch_ready = [this](std::uint64_t request) { fetch.on_ready(request); },
                    .leadership =
                        [this](const TopicPartition& id) {
                            leaderships.push_back(id);
                            groups.on_leadership(id);
                        },
                    .alter_isr = [this](std::vector<AlterPartition> asked) { wishes = std::move(asked); },
                    .log_dir_failed = [] {}}) {
        if (!replicas.start()) std::abort();
    }
    BrokerScene(const BrokerScene&) = delete;
    BrokerScene& operator=(const BrokerScene&) = delete;

    // A topic of one partition as the controller has it now; another `id` is another topic.
    Replica& place(const PartitionState& state, std::uint8_t id = 1) {
        const TopicState* known = image.topic(state.topic);
        const Uuid topic_id{.bytes = {id}};
        if (!known || known->id != topic_id) {
            if (known) image.apply(RemoveTopicRecord{state.topic});
            image.apply(TopicRecord{state.topic, topic_id});
        }
        image.apply(PartitionRecord{state});
        replicas.apply({state.topic}, loop.now());
        return *replicas.find(state.topic, state.partition);
    }
    Fault append(Replica& replica, std::string batch, Origin origin = Origin::client) {
        return replicas.append(replica, {.batches = as_span(batch), .wall_ms = 1'000, .origin = origin}).fault;
    }

    Loop loop;
    ClusterImage image;
    Config config{scene_broker, {}};
    std::vector<TopicPartition> leaderships;
    std::vector<AlterPartition> wishes;  // Of the last call.
    Replicas replicas;
    std::unique_ptr<Requests> requests;
    Server server{loop, {.listen = {"127.0.0.1", 0}}, [this](ReplyTo to, std::span<char> frame) {
                      requests->on_frame(to, frame);
                  }};
    ControllerLink link{loop, {.controller = {"127.0.0.1", 1}, .self = scene_broker}, {}};
    ClientQuotas quotas{image};
    BrokerParts parts{scene_broker, loop, server, image, config, replicas, link, quotas};
    ProduceRequests produce{parts};
    FetchRequests fetch{parts};
    GroupRequests groups{parts, produce};
};

}  // namespace medic::engine::broker
