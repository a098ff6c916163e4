#include "engine/broker/controller_node.h"

#include <sys/random.h>

#include <cstdlib>

#include "agent/wire/messages/api_versions.h"
#include "engine/broker/admin_requests.h"
#include "engine/broker/private_frame.h"
#include "engine/common/log.h"

namespace medic::engine::broker {
namespace {

constexpr std::string_view who = "controller";
constexpr Duration tick_interval{50};  // Bounds how late a dead broker is noticed beyond its session.
constexpr Duration metadata_wait_max{5'000};

Uuid random_uuid() {
    Uuid id;
    static_cast<void>(!::getrandom(id.bytes.data(), id.bytes.size(), 0));
    return id;
}

}  // namespace

ControllerNode::ControllerNode(Loop& loop, ControllerNodeOptions options)
    : loop_(loop),
      options_(std::move(options)),
      config_(no_broker, options_.config),
      state_({.config = config_,
              .session_timeout = Duration(config_.broker_number(ClusterImage{}, "broker.session.timeout.ms"))},
             random_uuid),
      log_(options_.data_dir),
      server_(loop, {.listen = options_.listen}, [this](ReplyTo to, std::span<char> frame) { on_frame(to, frame); }) {}

Status ControllerNode::start() {
    MEDIC_CHECK(log_.open([this](const MetadataRecord& record) { state_.replay(record); }));
    state_.begin(loop_.now());
    make_durable();
    MEDIC_CHECK(server_.listen());
    loop_.every(tick_interval, [this] { tick(); });
    if (config_.broker_flag(image(), "auto.leader.rebalance.enable")) {
        const auto seconds = config_.broker_number(image(), "leader.imbalance.check.interval.seconds");
        loop_.every(Duration(seconds * 1'000), [this] {
            state_.balance_leaders();
            make_durable();
        });
    }
    loop_.on_round_end([this] { server_.flush_dirty(); });
    log_info(who, "cluster {} at metadata offset {}, listening on port {}", image().cluster_id(), log_.end_offset(),
             port());
    return {};
}

void ControllerNode::make_durable() {
    const auto records = state_.take_records();
    if (records.empty()) return;
    Status stored = log_.append(records);
    if (stored) stored = log_.compact_if_large(image());
    if (!stored) {
        // Decisions that are not on disk must not be told to anybody: stop here, what is on disk stays right.
        log_error(who, "metadata can't be stored: {}", stored.error().message);
        std::_Exit(1);
    }
    wake_waiting();
}

void ControllerNode::on_frame(ReplyTo to, std::span<char> frame) {
    if (frame_head(frame).api_key >= static_cast<std::int16_t>(PrivateApi::register_broker))
        return on_private(to, frame);
    on_admin(to, frame);
}

void ControllerNode::on_admin(ReplyTo to, std::span<char> frame) {
    const auto view = wire::decode_request_header(std::string_view(frame.data(), frame.size()));
    if (!view) return server_.hang_up(to);
    auto answer = answer_admin(state_, *view);
    make_durable();
    if (!answer) {
        log_warn(who, "request refused: {}", answer.error().message);
        return server_.hang_up(to);
    }
    server_.reply(to, *std::move(answer));
}

void ControllerNode::on_private(ReplyTo to, std::span<char> frame) {
    const FrameHead head = frame_head(frame);
    const auto answer = [&]<class Request>(std::optional<Request> request, auto&& decide) {
        if (!request) return server_.hang_up(to);
        const auto reply = decide(*request);
        make_durable();
        server_.reply(to, private_response(head.correlation, reply));
    };
    switch (static_cast<PrivateApi>(head.api_key)) {
        case PrivateApi::register_broker:
            return answer(private_body<RegisterRequest>(frame), [&](const RegisterRequest& request) {
                const auto reply = state_.register_broker(request, log_.end_offset(), loop_.now());
                log_info(who, "broker {} at {}:{} registers, epoch {}", request.id, request.host, request.port,
                         reply.epoch);
                return reply;
            });
        case PrivateApi::heartbeat:
            return answer(private_body<HeartbeatRequest>(frame),
                          [&](const HeartbeatRequest& request) { return state_.heartbeat(request, loop_.now()); });
        case PrivateApi::alter_partitions:
            return answer(private_body<AlterPartitionsRequest>(frame),
                          [&](const AlterPartitionsRequest& request) { return state_.alter_partitions(request); });
        case PrivateApi::allocate_producer_ids:
            return answer(private_body<AllocateProducerIdsRequest>(frame),
                          [&](const AllocateProducerIdsRequest&) { return state_.allocate_producer_ids(); });
        case PrivateApi::fetch_metadata: {
            const auto request = private_body<FetchMetadataRequest>(frame);
            if (!request) return server_.hang_up(to);
            return on_fetch_metadata(to, head.correlation, *request);
        }
    }
    server_.hang_up(to);
}

void ControllerNode::on_fetch_metadata(ReplyTo to, std::int32_t correlation, const FetchMetadataRequest& request) {
    const bool same_log = request.incarnation == image().cluster_id();
    if (same_log && request.offset == log_.end_offset()) {
        const auto wait = std::min(Duration(request.max_wait_ms), metadata_wait_max);
        waiting_.push_back({to, correlation, request.offset, loop_.now() + wait});
        return;
    }
    server_.reply(to, private_response(correlation, metadata_since(same_log ? request.offset : -1)));
}

FetchMetadataReply ControllerNode::metadata_since(std::int64_t offset) const {
    FetchMetadataReply reply{.next_offset = log_.end_offset(), .incarnation = image().cluster_id(), .records = {}};
    if (auto records = log_.since(offset)) {
        reply.records = *std::move(records);
        return reply;
    }
    reply.reset = true;
    for (const auto& record : image().dump()) reply.records.push_back(encode_record(record));
    return reply;
}

void ControllerNode::wake_waiting() {
    for (const Waiting& waiting : std::exchange(waiting_, {})) {
        if (waiting.offset == log_.end_offset()) {
            waiting_.push_back(waiting);
        } else {
            server_.reply(waiting.to, private_response(waiting.correlation, metadata_since(waiting.offset)));
        }
    }
}

void ControllerNode::tick() {
    std::vector<BrokerId> alive;
    for (const auto& [id, broker] : image().brokers()) {
        if (!broker.fenced) alive.push_back(id);
    }
    state_.tick(loop_.now());
    make_durable();
    for (const BrokerId id : alive) {
        if (image().broker(id)->fenced) log_warn(who, "broker {} fenced: its session has ended", id);
    }
    std::erase_if(waiting_, [&](const Waiting& waiting) {
        if (loop_.now() < waiting.deadline) return false;
        server_.reply(waiting.to, private_response(waiting.correlation, metadata_since(waiting.offset)));
        return true;
    });
}

}  // namespace medic::engine::broker
