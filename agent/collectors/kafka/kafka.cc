#include "agent/collectors/kafka/look_internal.h"

#include <algorithm>
#include <utility>

#include "agent/store/kafka_words.h"

namespace medic {

using wire::KafkaError;

namespace {

constexpr const char* throttled_by_leader = "leader.replication.throttled.replicas";
constexpr const char* throttled_by_follower = "follower.replication.throttled.replicas";
constexpr const char* leader_rate = "leader.replication.throttled.rate";
constexpr const char* follower_rate = "follower.replication.throttled.rate";
constexpr int configs_failures_borne = 3;

// Appends one partition to a topic's attribute "assignment": "0:1,2,3;1:2,3,1", the preferred leader first.
void append_assignment(std::string& text, std::int32_t partition, const std::vector<std::int32_t>& replicas) {
    if (!text.empty()) text += ';';
    text += std::to_string(partition) + ':';
    for (std::size_t i = 0; i < replicas.size(); ++i) text += (i == 0 ? "" : ",") + std::to_string(replicas[i]);
}

}  // namespace

Observation KafkaCollector::look(KafkaReader& reader, WallTime at) {
    Observation observation;
    observation.target = options_.target;
    observation.at = at;
    auto metadata = reader.metadata();
    if (!metadata) {
        observation.outcome = ScrapeOutcome::failed;
        observation.error = metadata.error().message;
        if (metadata.error().code == ErrorCode::unavailable) silence(observation);  // Else they have answered.
        return observation;
    }
    Look look{options_.cluster, observation, *std::move(metadata), {}, {}, {}};
    const auto dirs = reader.log_dirs();
    // What the cluster says of a broker that has just fallen silent is asked after it fell silent: one that signed off
    // between the two questions would be listed as one that was killed is.
    if (dirs && has_fallen_silent(*dirs))
        if (auto since = reader.metadata()) look.metadata = *std::move(since);
    brokers(look);
    partitions(look);
    preferred_leaders(look);
    leadership(look);
    log_dirs(look, dirs);
    answered_ = look.answering;
    moves(look, reader);
    quorum(look, reader);  // Before what takes its time: a look that has used its own up asks no more.
    offsets(look, reader, wire::kLatestOffset);
    offsets(look, reader, wire::kEarliestOffset);
    leaderless(look, reader);
    groups(look, reader);
    transactions(look, reader);
    const bool due = looks_++ % static_cast<std::uint64_t>(options_.configs_every) == 0;
    if (due || !configs_from_.empty()) configs(look, reader);
    if (due) seldom(look, reader);
    throttled(look);
    observation.samples.insert(observation.samples.end(), seldom_samples_.begin(), seldom_samples_.end());
    for (const auto& [topic, settings] : topic_settings_) {
        auto& attributes = observation.attributes[look.subject("topic", topic)];
        attributes.insert(settings.begin(), settings.end());
    }
    // One that has left since is not told of.
    for (const auto& [broker, settings] : broker_settings_)
        if (const auto present = observation.attributes.find(look.subject("broker", broker));
            present != observation.attributes.end())
            present->second.insert(settings.begin(), settings.end());
    needed(look);
    const std::string between = look.not_visible.empty() || not_visible_.empty() ? "" : "; ";
    if (const std::string all = look.not_visible + between + not_visible_; !all.empty())
        observation.attributes[look.subject("cluster", options_.cluster)]["kafka_not_visible"] = all;
    states_.turn(observation.outcome == ScrapeOutcome::complete);
    return observation;
}

// That no broker of the cluster answers is told of each: who compares it with the processes sees what has happened.
void KafkaCollector::silence(Observation& observation) const {
    for (const std::int32_t broker : brokers_seen_)
        observation.sample("kafka_broker_reachable",
                           {{"broker", std::to_string(broker)}, {"cluster", options_.cluster}}, 0);
}

// What changes seldom or costs more: read every few looks, told in all of them.
void KafkaCollector::seldom(Look& look, KafkaReader& reader) {
    const std::string each_look = std::exchange(look.not_visible, {});
    const std::size_t before = look.observation.samples.size();
    broker_configs(look, reader);
    quotas(look, reader);
    open_transactions(look, reader);
    const auto from = look.observation.samples.begin() + static_cast<std::ptrdiff_t>(before);
    seldom_samples_.assign(from, look.observation.samples.end());
    look.observation.samples.erase(from, look.observation.samples.end());
    not_visible_ = std::exchange(look.not_visible, each_look);
}

void KafkaCollector::brokers(Look& look) {
    std::set<std::int32_t> present;
    for (const auto& broker : look.metadata.brokers) {
        present.insert(broker.node_id);
        auto& attributes = look.observation.attributes[look.subject("broker", std::to_string(broker.node_id))];
        attributes["address"] = broker.host + ":" + std::to_string(broker.port);
        if (broker.rack) attributes["rack"] = *broker.rack;
    }
    brokers_seen_.insert(present.begin(), present.end());
    look.sample("kafka_active_controller", {}, look.metadata.controller_id);
}

void KafkaCollector::partitions(Look& look) {
    struct Held {
        double replicas = 0, leaders = 0, out_of_sync = 0;
    };
    std::map<std::int32_t, Held> held;  // By broker.
    for (const auto& broker : look.metadata.brokers) held[broker.node_id] = {};
    std::size_t count = 0;
    for (const auto& topic : look.metadata.topics) {
        if (!topic.name || topic.error != KafkaError::none) continue;
        std::string assignment;
        for (const auto& partition : topic.partitions) {
            if (++count > options_.partitions_max) continue;
            look.partition_sample("kafka_partition_leader", *topic.name, partition.partition, partition.leader_id);
            look.partition_sample("kafka_partition_replicas", *topic.name, partition.partition,
                                  static_cast<double>(partition.replicas.size()));
            look.partition_sample("kafka_partition_in_sync_replicas", *topic.name, partition.partition,
                                  static_cast<double>(partition.isr.size()));
            for (const std::int32_t replica : partition.replicas) {
                held[replica].replicas += 1;
                if (std::ranges::find(partition.isr, replica) == partition.isr.end()) held[replica].out_of_sync += 1;
            }
            // A broker that holds replicas belongs to the cluster, also while it is away and was never seen.
            brokers_seen_.insert(partition.replicas.begin(), partition.replicas.end());
            if (partition.leader_id >= 0) held[partition.leader_id].leaders += 1;
            append_assignment(assignment, partition.partition, partition.replicas);
        }
        look.observation.attributes[look.subject("topic", *topic.name)] = {
            {"partitions", std::to_string(topic.partitions.size())},
            {"assignment", std::move(assignment)},
            {"internal", topic.is_internal ? "true" : "false"}};
    }
    if (count > options_.partitions_max)
        look.observation.lacks("more than " + std::to_string(options_.partitions_max) + " partitions");
    for (const std::int32_t id : brokers_seen_) {
        const bool listed = std::ranges::find(look.metadata.brokers, id, &wire::MetadataResponse::Broker::node_id) !=
                            look.metadata.brokers.end();
        look.sample("kafka_broker_up", {{"broker", std::to_string(id)}}, listed ? 1 : 0);
    }
    look.sample("kafka_cluster_partitions", {}, static_cast<double>(count));
    for (const auto& [broker, numbers] : held) {
        look.sample("kafka_broker_partitions", {{"broker", std::to_string(broker)}}, numbers.replicas);
        look.sample("kafka_broker_leaders", {{"broker", std::to_string(broker)}}, numbers.leaders);
        look.sample("kafka_broker_replicas_out_of_sync", {{"broker", std::to_string(broker)}}, numbers.out_of_sync);
    }
}

// The first replica of a partition is its preferred leader. While another one leads although the first is in sync, it
// is displaced: that is what Kafka's own leader balancing goes by, and what an election mends without moving data.
void KafkaCollector::preferred_leaders(Look& look) const {
    struct Preferred {
        double all = 0;
        NamedPartitions displaced;
    };
    std::map<std::int32_t, Preferred> by_broker;
    const auto of = [&](std::int32_t id) -> Preferred& {
        return by_broker.try_emplace(id, 0, NamedPartitions(options_.partitions_named_max)).first->second;
    };
    for (const auto& broker : look.metadata.brokers) of(broker.node_id);  // None is a figure, too.
    for (const auto& topic : look.metadata.topics) {
        if (!topic.name || topic.error != KafkaError::none) continue;
        for (const auto& partition : topic.partitions) {
            if (partition.replicas.empty()) continue;
            const std::int32_t first = partition.replicas.front();
            auto& preferred = of(first);
            preferred.all += 1;
            const bool in_sync = std::ranges::find(partition.isr, first) != partition.isr.end();
            if (partition.leader_id < 0 || partition.leader_id == first || !in_sync) continue;
            preferred.displaced.add(*topic.name, partition.partition);
        }
    }
    for (const auto& [broker, preferred] : by_broker) {
        const std::string id = std::to_string(broker);
        look.sample("kafka_broker_leaders_preferred", {{"broker", id}}, preferred.all);
        look.sample("kafka_broker_leaders_displaced", {{"broker", id}}, preferred.displaced.count());
        if (preferred.displaced.count() > 0)
            look.observation.attributes[look.subject("broker", id)]["displaced_partitions"] =
                preferred.displaced.text();
    }
}

bool KafkaCollector::has_fallen_silent(const LogDirs& answers) const {
    return std::ranges::any_of(answers, [&](const auto& one) { return !one.second && answered_.contains(one.first); });
}

// Every broker is asked itself: that is also how it is known whether it answers.
void KafkaCollector::log_dirs(Look& look, const Result<LogDirs>& answers) {
    if (!answers) return look.observation.lacks("log dirs: " + answers.error().message);
    for (const auto& [broker, answer] : *answers) {
        const std::string id = std::to_string(broker);
        look.sample("kafka_broker_reachable", {{"broker", id}}, answer ? 1 : 0);
        if (!answer) {
            look.observation.lacks("broker " + id + ": " + answer.error().message);
            continue;
        }
        look.answering.insert(broker);
        if (const auto allowed = wire::check(answer->error, "log dirs"); !allowed) {
            look.missing("log dirs of broker " + id, allowed.error());
            continue;
        }
        for (const auto& dir : answer->log_dirs) {
            const std::vector<LabelPair> labels = {{"broker", id}, {"log_dir", dir.path}};
            look.sample("kafka_log_dir_online", labels, dir.error == KafkaError::kafka_storage_error ? 0 : 1);
            look.observation.relations.push_back(
                {look.subject("log-dir", id + ":" + dir.path), "hosted-by", look.subject("broker", id)});
            if (dir.total_bytes >= 0)
                look.sample("kafka_log_dir_total_bytes", labels, static_cast<double>(dir.total_bytes));
            if (dir.usable_bytes >= 0)
                look.sample("kafka_log_dir_usable_bytes", labels, static_cast<double>(dir.usable_bytes));
            for (const auto& topic : dir.topics)
                for (const auto& partition : topic.partitions) {
                    if (partition.is_future) continue;
                    look.sample("kafka_replica_size_bytes",
                                {{"broker", id},
                                 {"log_dir", dir.path},
                                 {"topic", topic.name},
                                 {"partition", std::to_string(partition.partition)}},
                                static_cast<double>(partition.size_bytes));
                }
        }
    }
    for (const std::int32_t broker : brokers_seen_)
        if (!answers->contains(broker)) look.sample("kafka_broker_reachable", {{"broker", std::to_string(broker)}}, 0);
}

std::map<std::int32_t, wire::ListOffsetsRequest> KafkaCollector::offset_requests(const Look& look, std::int64_t which) {
    std::map<std::int32_t, wire::ListOffsetsRequest> by_leader;
    for (const auto& topic : look.metadata.topics) {
        if (!topic.name || topic.error != KafkaError::none) continue;
        for (const auto& partition : topic.partitions) {
            if (partition.leader_id < 0) continue;
            auto& topics = by_leader[partition.leader_id].topics;
            if (topics.empty() || topics.back().name != *topic.name) topics.push_back({*topic.name, {}});
            topics.back().partitions.push_back(
                {.partition = partition.partition, .current_leader_epoch = -1, .timestamp = which});
        }
    }
    return by_leader;
}

void KafkaCollector::offsets(Look& look, KafkaReader& reader, std::int64_t which) const {
    for (const auto& [leader, request] : offset_requests(look, which)) {
        const auto answer = reader.offsets(leader, request);
        if (!answer) {
            look.observation.lacks("offsets of broker " + std::to_string(leader) + ": " + answer.error().message);
            continue;
        }
        for (const auto& topic : answer->topics)
            for (const auto& partition : topic.partitions) {
                if (partition.error != KafkaError::none || partition.offset < 0) continue;
                const bool latest = which == wire::kLatestOffset;
                look.partition_sample(latest ? "kafka_partition_log_end_offset" : "kafka_partition_log_start_offset",
                                      topic.name, partition.partition, static_cast<double>(partition.offset));
                if (latest) look.end_offsets[{topic.name, partition.partition}] = partition.offset;
            }
    }
}

// Each topic in turn, by name, as many in one look as an answer may hold.
void KafkaCollector::configs(Look& look, KafkaReader& reader) {
    std::set<std::string> present, readable;
    for (const auto& topic : look.metadata.topics) {
        if (!topic.name) continue;
        present.insert(*topic.name);
        if (topic.error == KafkaError::none) readable.insert(*topic.name);
    }
    std::erase_if(topic_settings_, [&](const auto& one) { return !present.contains(one.first); });
    wire::DescribeConfigsRequest request;
    auto next = readable.upper_bound(configs_from_);
    for (; next != readable.end() && request.resources.size() < options_.config_topics_max; ++next)
        request.resources.push_back({.type = static_cast<std::int8_t>(wire::ConfigResource::topic),
                                     .name = *next,
                                     .keys = std::vector<std::string>{
                                         "retention.ms", "retention.bytes", "cleanup.policy", "min.insync.replicas",
                                         "segment.bytes", throttled_by_leader, throttled_by_follower}});
    if (request.resources.empty()) return configs_from_.clear();
    const auto answer = reader.configs(request);
    if (!answer) {
        // By then they may be other ones.
        if (++configs_failed_ >= configs_failures_borne) topic_settings_.clear(), configs_from_.clear();
        return look.observation.lacks("topic settings: " + answer.error().message);
    }
    configs_failed_ = 0;
    configs_from_ = next == readable.end() ? std::string() : request.resources.back().name;
    for (const auto& asked : request.resources) topic_settings_.erase(asked.name);
    for (const auto& resource : answer->resources)
        if (resource.error == KafkaError::none) topic_settings(resource);
}

void KafkaCollector::topic_settings(const wire::DescribeConfigsResponse::Resource& resource) {
    auto& settings = topic_settings_[resource.name];
    for (const auto& config : resource.configs) {
        if (!config.value || config.is_sensitive) continue;
        const bool throttles = config.name == throttled_by_leader || config.name == throttled_by_follower;
        settings[config.name] = throttles && config.value->empty() ? std::string(no_throttle) : *config.value;
        // Said on the topic itself, not taken over from its brokers.
        if (config.source != static_cast<std::int8_t>(wire::ConfigSource::topic)) continue;
        std::string& overridden = settings[std::string(own_settings)];
        overridden += (overridden.empty() ? "" : ",") + config.name;
    }
    settings.try_emplace(std::string(own_settings), no_own_settings);
}

// Replicas that a throttle names one by one. "*" is a standing limit that somebody has set on purpose; tools that move
// replicas name each.
void KafkaCollector::throttled(const Look& look) const {
    for (const auto& [topic, settings] : topic_settings_)
        for (const auto& [setting, side] :
             {std::pair{throttled_by_leader, "leader"}, std::pair{throttled_by_follower, "follower"}}) {
            const auto list = settings.find(setting);
            if (list == settings.end() || list->second == "*" || list->second == no_throttle) continue;
            const auto count = 1 + std::ranges::count(list->second, ',');
            look.sample("kafka_topic_throttled_replicas", {{"topic", topic}, {"side", side}},
                        static_cast<double>(count));
        }
}

void KafkaCollector::broker_setting(const Look& look, const std::string& broker,
                                    const wire::DescribeConfigsResponse::Resource::Config& config) {
    std::string& setting = broker_settings_[broker][config.name];
    setting = *config.value;
    if (config.name != leader_rate && config.name != follower_rate) return;
    // The default is no limit; one for all brokers alike is no single move's.
    if (config.source != static_cast<std::int8_t>(wire::ConfigSource::dynamic_broker)) {
        setting = no_throttle;
        return;
    }
    look.sample("kafka_broker_replication_throttle_bytes_per_second",
                {{"broker", broker}, {"side", config.name == leader_rate ? "leader" : "follower"}},
                std::strtod(config.value->c_str(), nullptr));
}

void KafkaCollector::broker_configs(Look& look, KafkaReader& reader) {
    const auto answers =
        reader.broker_configs({"auto.leader.rebalance.enable", "leader.imbalance.check.interval.seconds",
                               "transaction.max.timeout.ms", leader_rate, follower_rate});
    if (!answers) return look.missing("brokers' settings", answers.error());
    broker_settings_.clear();
    for (const auto& [broker, answer] : *answers) {
        const std::string what = "settings of broker " + std::to_string(broker);
        if (!answer) {
            look.missing(what, answer.error());
            continue;
        }
        for (const auto& resource : answer->resources) {
            if (const auto good = wire::check(resource.error, what, resource.error_message.value_or("")); !good) {
                look.missing(what, good.error());
                continue;
            }
            // Kafka tells a throttle only while one is set (DynamicConfig.Broker).
            for (const char* rate : {leader_rate, follower_rate})
                broker_settings_[std::to_string(broker)][rate] = no_throttle;
            for (const auto& config : resource.configs)
                if (config.value && !config.is_sensitive) broker_setting(look, std::to_string(broker), config);
        }
    }
}

}  // namespace medic
