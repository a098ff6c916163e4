// What keeps a cluster together and what holds its clients up: the controllers' quorum and quotas.
#include <algorithm>

#include "agent/collectors/kafka/look_internal.h"

namespace medic {

using wire::KafkaError;

namespace {

// Kafka's default for controller.quorum.fetch.timeout.ms: a voter that is further behind is no longer counted on.
constexpr std::int64_t voter_behind_max_ms = 2'000;

}  // namespace

// That there is no such question is no reason for doubt: such a cluster has ZooKeeper. That we may not ask it is one.
void KafkaCollector::Look::quorum_unread(const Error& why, KafkaError error) {
    missing("controllers' quorum", why);
    if (error == KafkaError::cluster_authorization_failed)
        quorum_problem = why.message + "; allow this user Describe on the cluster";
    if (why.code == ErrorCode::invalid) return;
    quorum_problem = why.message;
    // A broker that hangs may be why nothing came back; where each has just answered, it is the controllers.
    if (!answering.empty() && answering.size() == metadata.brokers.size()) sample("kafka_quorum_answers", {}, 0);
}

void KafkaCollector::quorum(Look& look, KafkaReader& reader) const {
    const auto answer = reader.quorum();
    if (!answer) return look.quorum_unread(answer.error());
    if (const auto good = wire::check(answer->error, "DescribeQuorum"); !good)
        return look.quorum_unread(good.error(), answer->error);
    if (answer->topics.empty() || answer->topics[0].partitions.empty())
        return look.quorum_unread({ErrorCode::unavailable, "an empty answer"});
    const auto& log = answer->topics[0].partitions[0];
    if (const auto good = wire::check(log.error, "DescribeQuorum"); !good)
        return look.quorum_unread(good.error(), log.error);
    if (log.leader_id < 0) look.quorum_problem = "it has no leader";
    look.sample("kafka_quorum_answers", {}, log.leader_id < 0 ? 0 : 1);
    look.sample("kafka_quorum_leader", {}, log.leader_id);
    look.sample("kafka_quorum_leader_epoch", {}, log.leader_epoch);
    const auto leader =
        std::ranges::find(log.voters, log.leader_id, &std::decay_t<decltype(log.voters[0])>::replica_id);
    const std::int64_t end = leader != log.voters.end() ? leader->log_end_offset : log.high_watermark;
    const auto replica = [&](const auto& one, const char* role) {
        const std::vector<LabelPair> labels = {{"node", std::to_string(one.replica_id)}, {"role", role}};
        if (one.log_end_offset >= 0)
            look.sample("kafka_quorum_replica_lag_records", labels,
                        static_cast<double>(std::max<std::int64_t>(0, end - one.log_end_offset)));
        if (one.last_caught_up_timestamp_ms > 0)
            look.sample("kafka_quorum_replica_behind_seconds", labels,
                        seconds_since(one.last_caught_up_timestamp_ms, look.observation.at));
    };
    const std::int64_t leader_at = leader != log.voters.end() ? leader->last_caught_up_timestamp_ms : -1;
    for (const auto& voter : log.voters) {
        replica(voter, "voter");
        look.voters[voter.replica_id] =
            voter.replica_id == log.leader_id || (leader_at > 0 && voter.last_caught_up_timestamp_ms > 0 &&
                                                  leader_at - voter.last_caught_up_timestamp_ms < voter_behind_max_ms);
    }
    for (const auto& observer : log.observers) replica(observer, "observer");
}

void KafkaCollector::quotas(Look& look, KafkaReader& reader) const {
    const auto answer = reader.quotas();
    if (!answer) return look.missing("quotas", answer.error());
    if (const auto good = wire::check(answer->error, "DescribeClientQuotas", answer->error_message.value_or("")); !good)
        return look.missing("quotas", good.error());
    std::size_t count = 0;
    for (const auto& entry : answer->entries.value_or(std::vector<wire::DescribeClientQuotasResponse::Entry>())) {
        count += entry.values.size();
        std::vector<LabelPair> labels;
        for (const auto& entity : entry.entity) {
            const std::string label = entity.type == "client-id" ? "client" : entity.type;
            if (label != "client" && label != "user" && label != "ip") continue;
            labels.emplace_back(label, entity.name.value_or("<default>"));
        }
        for (const auto& value : entry.values) {
            auto all = labels;
            all.emplace_back("quota", value.key);
            look.sample("kafka_client_quota", std::move(all), value.value);
        }
    }
    look.sample("kafka_client_quotas_set", {}, static_cast<double>(count));
}

}  // namespace medic
