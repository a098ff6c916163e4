// The broker's page, under the names and labels that the JMX exporter gives for Kafka 3.9. Only what is measured.
#include <algorithm>

#include "engine/broker/broker_node.h"
#include "engine/common/metrics_page.h"

namespace medic::engine::broker {
namespace {

using Type = MetricsPage::Type;

void add_topic_counters(MetricsPage& page, const ReplicaCounters& counters) {
    struct Name {
        std::string_view name;
        std::uint64_t TopicCounters::* value;
        bool per_topic;
    };
    static constexpr Name names[] = {
        {"messagesin", &TopicCounters::messages_in, true},
        {"bytesin", &TopicCounters::bytes_in, true},
        {"bytesout", &TopicCounters::bytes_out, true},
        {"bytesrejected", &TopicCounters::bytes_rejected, false},
        {"totalproducerequests", &TopicCounters::produce_requests, true},
        {"totalfetchrequests", &TopicCounters::fetch_requests, true},
        {"failedproducerequests", &TopicCounters::failed_produce, false},
        {"failedfetchrequests", &TopicCounters::failed_fetch, false},
        {"replicationbytesin", &TopicCounters::replication_bytes_in, false},
        {"replicationbytesout", &TopicCounters::replication_bytes_out, false},
        {"reassignmentbytesin", &TopicCounters::reassignment_bytes_in, false},
        {"reassignmentbytesout", &TopicCounters::reassignment_bytes_out, false},
    };
    for (const Name& name : names) {
        const std::string full = fmt::format("kafka_server_brokertopicmetrics_{}_total", name.name);
        page.add(full, {}, static_cast<double>(counters.all.*name.value), Type::counter);
        if (!name.per_topic) continue;
        for (const auto& [topic, mine] : counters.topics) {
            // Kafka registers a topic's meter with its first event.
            if (mine.*name.value > 0)
                page.add(full, {{"topic", topic}}, static_cast<double>(mine.*name.value), Type::counter);
        }
    }
    page.add("kafka_server_replicamanager_isrshrinks_total", {}, static_cast<double>(counters.isr_shrinks),
             Type::counter);
    page.add("kafka_server_replicamanager_isrexpands_total", {}, static_cast<double>(counters.isr_expands),
             Type::counter);
    page.add("kafka_server_replicamanager_failedisrupdates_total", {}, static_cast<double>(counters.failed_isr_updates),
             Type::counter);
}

void add_replicas(MetricsPage& page, const Replicas& replicas) {
    double partitions = 0, leaders = 0, offline = 0, under_replicated = 0, under_min = 0, at_min = 0, reassigning = 0,
           producers = 0;
    for (const auto& [id, replica] : replicas.all()) {
        ++partitions;
        const bool online = replica->log && !replicas.offline();
        if (!online) {
            ++offline;
            continue;
        }
        page.add("kafka_log_log_size", {{"partition", std::to_string(id.partition)}, {"topic", id.topic}},
                 static_cast<double>(replica->log->size_bytes()), Type::gauge);
        producers += static_cast<double>(replica->log->producer_count());
        if (!replica->leads()) continue;
        ++leaders;
        const std::size_t isr = replica->leader->isr_size();
        const std::size_t least = replicas.min_in_sync(id.topic);
        // While a reassignment runs, the replicas being added do not count as missing.
        under_replicated += isr < replica->state.replicas.size() - replica->state.adding.size() ? 1 : 0;
        under_min += isr < least ? 1 : 0;
        at_min += isr == least ? 1 : 0;
        reassigning += replica->state.reassigning() ? 1 : 0;
    }
    const auto gauge = [&](std::string_view name, double value) {
        page.add(fmt::format("kafka_server_replicamanager_{}", name), {}, value, Type::gauge);
    };
    gauge("partitioncount", partitions);
    gauge("leadercount", leaders);
    gauge("offlinereplicacount", offline);
    gauge("underreplicatedpartitions", under_replicated);
    gauge("underminisrpartitioncount", under_min);
    gauge("atminisrpartitioncount", at_min);
    gauge("reassigningpartitions", reassigning);
    gauge("produceridcount", producers);
    page.add("kafka_log_logmanager_offlinelogdirectorycount", {}, replicas.offline() ? 1 : 0, Type::gauge);
    // The exporter quotes this label's value once more, as the MBean's name has it.
    const std::string dir = fmt::format("\"{}\"", std::filesystem::absolute(replicas.log_dir()).string());
    page.add("kafka_log_logmanager_logdirectoryoffline", {{"logdirectory", dir}}, replicas.offline() ? 1 : 0,
             Type::gauge);
}

void add_cluster(MetricsPage& page, const ClusterImage& image) {
    double active = 0, fenced = 0, partitions = 0, offline = 0, not_preferred = 0;
    for (const auto& [id, broker] : image.brokers()) (broker.fenced ? fenced : active) += 1;
    for (const auto& [name, topic] : image.topics()) {
        for (const PartitionState& state : topic.partitions) {
            ++partitions;
            offline += state.leader == no_broker ? 1 : 0;
            not_preferred += state.leader != state.replicas.front() ? 1 : 0;
        }
    }
    const auto gauge = [&](std::string_view name, double value) {
        page.add(fmt::format("kafka_controller_kafkacontroller_{}", name), {}, value, Type::gauge);
    };
    gauge("activebrokercount", active);
    gauge("fencedbrokercount", fenced);
    gauge("globaltopiccount", static_cast<double>(image.topics().size()));
    gauge("globalpartitioncount", partitions);
    gauge("offlinepartitionscount", offline);
    gauge("preferredreplicaimbalancecount", not_preferred);
    gauge("activecontrollercount", 0);  // The controller is another process.
}

// As the usual rules for the JMX exporter name kafka.server:type=Produce,client-id=….
void add_client_quotas(MetricsPage& page, const ClientQuotas& quotas, Instant now) {
    quotas.each(now, [&](const std::string& client_id, const ClientQuotas::Use& use) {
        const MetricsPage::LabelList labels{{"clientId", client_id}, {"resource", "Produce"}};
        page.add("kafka_server_quota_byte_rate", labels, use.bytes_per_second, Type::gauge);
        page.add("kafka_server_quota_throttle_time", labels, use.throttle_ms, Type::gauge);
    });
}

}  // namespace

std::string BrokerNode::metrics_page() {
    MetricsPage page;
    add_topic_counters(page, replicas_.counters());
    add_replicas(page, replicas_);
    add_client_quotas(page, quotas_, loop_.now());
    if (link_->metadata_offset() > 0) {
        add_cluster(page, image_);
        page.add("kafka_server_broker_metadata_metrics_last_applied_record_offset", {},
                 static_cast<double>(link_->metadata_offset() - 1), Type::gauge);
    }
    constexpr double running = 3, starting = 1, shutting_down = 6;  // BrokerState in Kafka.
    page.add("kafka_server_kafkaserver_brokerstate", {},
             done_             ? shutting_down
             : link_->fenced() ? starting
                               : running,
             Type::gauge);
    page.add("kafka_server_replicafetchermanager_maxlag", {{"clientid", "Replica"}},
             static_cast<double>(fetchers_.max_lag()), Type::gauge);
    page.add("kafka_server_replicafetchermanager_failedpartitionscount", {{"clientid", "Replica"}},
             static_cast<double>(fetchers_.failed_partitions()), Type::gauge);
    if (idle_ratio_) {
        page.add("kafka_server_kafkarequesthandlerpool_requesthandleravgidlepercent_1m", {}, *idle_ratio_, Type::gauge);
        page.add("kafka_network_socketserver_networkprocessoravgidlepercent", {}, *idle_ratio_, Type::gauge);
    }
    const MetricsPage::LabelList processor{{"listener", "PLAINTEXT"}, {"networkProcessor", "0"}};
    page.add("kafka_server_socket_server_metrics_connection_count", processor,
             static_cast<double>(server_.connection_count()), Type::gauge);
    page.add("kafka_server_socket_server_metrics_connection_creation_total", processor,
             static_cast<double>(server_.accepted_count()), Type::counter);
    page.add("kafka_network_socketserver_expiredconnectionskilledcount", {},
             static_cast<double>(server_.closed_idle_count()), Type::gauge);
    for (const auto& [purgatory, waiting] :
         {std::pair("Produce", produce_->waiting()), std::pair("Fetch", fetch_->waiting())}) {
        page.add("kafka_server_delayedoperationpurgatory_purgatorysize", {{"delayedoperation", purgatory}},
                 static_cast<double>(waiting), Type::gauge);
    }
    page.add("kafka_coordinator_group_groupmetadatamanager_numgroups", {}, static_cast<double>(groups_->group_count()),
             Type::gauge);
    for (const auto& [api, times] : requests_->times()) {
        page.add("kafka_network_requestmetrics_requests_total", {{"request", wire::to_string(api)}},
                 static_cast<double>(times.count), Type::counter);
        for (const auto& [quantile, share] : {std::pair("0.50", 0.5), std::pair("0.99", 0.99)})
            if (const auto ms = times.handling.percentile(share))
                page.add("kafka_network_requestmetrics_localtimems",
                         {{"quantile", quantile}, {"request", wire::to_string(api)}}, *ms, Type::gauge);
    }
    page.add_process();
    return page.render();
}

}  // namespace medic::engine::broker
