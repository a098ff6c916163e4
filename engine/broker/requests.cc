#include "engine/broker/requests.h"

#include <algorithm>
#include <chrono>

#include "agent/wire/messages/api_versions.h"
#include "engine/broker/admin_requests.h"
#include "engine/broker/fetch_requests.h"
#include "engine/broker/group_requests.h"
#include "engine/broker/private_frame.h"
#include "engine/broker/produce_requests.h"
#include "engine/common/log.h"

namespace medic::engine::broker {
using wire::ApiKey;

std::span<const Requests::Entry> Requests::table() {
    static constexpr Entry entries[] = {
        {ApiKey::produce, &Requests::produce},
        {ApiKey::fetch, &Requests::fetch},
        {ApiKey::list_offsets, &Requests::list_offsets},
        {ApiKey::metadata, &Requests::metadata},
        {ApiKey::offset_commit, &Requests::group},
        {ApiKey::offset_fetch, &Requests::group},
        {ApiKey::find_coordinator, &Requests::group},
        {ApiKey::join_group, &Requests::group},
        {ApiKey::heartbeat, &Requests::group},
        {ApiKey::leave_group, &Requests::group},
        {ApiKey::sync_group, &Requests::group},
        {ApiKey::describe_groups, &Requests::group},
        {ApiKey::list_groups, &Requests::group},
        {ApiKey::api_versions, &Requests::api_versions},
        {ApiKey::create_topics, &Requests::decided_by_controller},
        {ApiKey::delete_topics, &Requests::decided_by_controller},
        {ApiKey::delete_records, &Requests::delete_records},
        {ApiKey::init_producer_id, &Requests::init_producer_id},
        {ApiKey::offset_for_leader_epoch, &Requests::offset_for_leader_epoch},
        {ApiKey::write_txn_markers, &Requests::write_txn_markers},
        {ApiKey::describe_configs, &Requests::describe_configs},
        {ApiKey::describe_log_dirs, &Requests::describe_log_dirs},
        {ApiKey::create_partitions, &Requests::decided_by_controller},
        {ApiKey::delete_groups, &Requests::group},
        {ApiKey::elect_leaders, &Requests::decided_by_controller},
        {ApiKey::incremental_alter_configs, &Requests::decided_by_controller},
        {ApiKey::alter_partition_reassignments, &Requests::decided_by_controller},
        {ApiKey::list_partition_reassignments, &Requests::decided_by_controller},
        {ApiKey::describe_client_quotas, &Requests::describe_client_quotas},
        {ApiKey::alter_client_quotas, &Requests::decided_by_controller},
        {ApiKey::describe_cluster, &Requests::describe_cluster},
        {ApiKey::describe_producers, &Requests::describe_producers},
        {ApiKey::describe_transactions, &Requests::describe_transactions},
        {ApiKey::list_transactions, &Requests::list_transactions},
    };
    return entries;
}

void Requests::on_frame(ReplyTo to, std::span<char> frame) {
    auto view = wire::decode_request_header(std::string_view(frame.data(), frame.size()));
    if (!view) {
        log_warn("broker", "request refused: {}", view.error().message);
        return parts_.server.hang_up(to);
    }
    const ApiKey api = view->header.api;
    const auto entry = std::ranges::find(table(), api, &Entry::api);
    if (entry == table().end()) return parts_.server.hang_up(to);
    // As a KRaft broker, which serves nobody before it has caught up: without metadata it would answer as if the
    // cluster had no topics.
    const bool knows_cluster = parts_.link.metadata_offset() > 0;
    if (!knows_cluster && api != ApiKey::api_versions) return parts_.server.hang_up(to);
    const auto begin = std::chrono::steady_clock::now();
    if (is_decided_by_controller(api)) {
        forward(to, frame);
    } else {
        (this->*entry->handle)({to, std::move(view->header), view->body});
    }
    RequestTimes& times = times_[api];
    ++times.count;
    times.handling.record(parts_.loop.now(), std::chrono::steady_clock::now() - begin);
}

// The controller reads the very bytes that the client sent. If it can't be reached the client's connection is closed:
// there is no answer that all these APIs share, and clients retry.
void Requests::forward(ReplyTo to, std::span<char> frame) {
    const std::int32_t correlation = frame_head(frame).correlation;
    parts_.link.forward(
        std::string(frame.data(), frame.size()), [this, to, correlation](Result<std::string_view> answer) {
            if (!answer) {
                log_warn("broker", "request for the controller not answered: {}", answer.error().message);
                return parts_.server.hang_up(to);
            }
            std::string response;
            wire::Writer writer(response);
            writer.int32(static_cast<std::int32_t>(answer->size() + 4));
            writer.int32(correlation);
            parts_.server.reply(to, response.append(*answer));
        });
}

void Requests::api_versions(const Incoming& request) {
    wire::ApiVersionsResponse response;
    for (const Entry& entry : table()) {
        const auto& info = wire::api_info(entry.api);
        response.apis.push_back({static_cast<std::int16_t>(entry.api), info.version_min, info.version_max});
    }
    if (!wire::api_info(ApiKey::api_versions).has(request.header.version)) {
        response.error = Fault::unsupported_version;  // KIP-511: answered in version 0, so that any client can read it.
        Incoming oldest = request;
        oldest.header.version = 0;
        return send_response(parts_, oldest, response);
    }
    send_response(parts_, request, response);
}

void Requests::produce(const Incoming& request) { kept_.produce.on_request(request); }
void Requests::fetch(const Incoming& request) { kept_.fetch.on_request(request); }
void Requests::group(const Incoming& request) { kept_.groups.on_request(request); }

BrokerId controller_for_clients(const BrokerParts& parts) {
    if (!parts.link.connected()) return no_broker;
    for (const auto& [id, broker] : parts.image.brokers()) {
        if (!broker.fenced) return id;
    }
    return no_broker;
}

}  // namespace medic::engine::broker
