#include "engine/broker/controller_link.h"

#include "engine/broker/private_frame.h"
#include "engine/common/log.h"

namespace medic::engine::broker {
namespace {

constexpr std::string_view who = "broker";
constexpr Duration retry_interval{100};
constexpr Duration fenced_heartbeat_interval{50};  // Until it serves: start-up must not wait for a whole interval.
constexpr std::int32_t metadata_wait_ms = 3'000;

}  // namespace

ControllerLink::ControllerLink(Loop& loop, ControllerLinkOptions options, Callbacks callbacks)
    : loop_(loop),
      options_(std::move(options)),
      callbacks_(std::move(callbacks)),
      requests_(loop, {.address = options_.controller, .timeout = Duration(5'000)}),
      stream_(loop, {.address = options_.controller, .timeout = Duration(metadata_wait_ms + 5'000)}) {}

void ControllerLink::start() { register_self(); }

void ControllerLink::register_self() {
    if (std::exchange(registering_, true)) return;
    const RegisterRequest request{.id = options_.self,
                                  .incarnation = options_.incarnation,
                                  .host = options_.advertised.host,
                                  .port = options_.advertised.port,
                                  .cluster_id = options_.cluster_id};
    requests_.send(private_request(PrivateApi::register_broker, request), [this](Result<std::string_view> answer) {
        registering_ = false;
        const auto reply = answer ? unpack<RegisterReply>(*answer) : std::nullopt;
        if (!reply) {
            loop_.after(retry_interval, [this] { register_self(); });
            return;
        }
        if (reply->fault != Fault::none) {
            callbacks_.refused(
                fmt::format("registration refused: {} (this log dir belongs to cluster {}, the controller to {})",
                            wire::to_string(reply->fault), options_.cluster_id, reply->cluster_id));
            return;
        }
        epoch_ = reply->epoch;
        options_.cluster_id = reply->cluster_id;
        session_timeout_ = Duration(reply->session_timeout_ms);
        callbacks_.registered(reply->cluster_id);
        heartbeat();
        // Only now: metadata of another cluster would make us remove every replica.
        if (!std::exchange(streaming_, true)) fetch_metadata();
    });
}

bool ControllerLink::connected() const { return epoch_ >= 0 && loop_.now() - last_answer_ <= session_timeout_; }

void ControllerLink::heartbeat_now() {
    if (epoch_ < 0) return;
    if (heartbeat_under_way_) {
        heartbeat_again_ = true;
    } else {
        heartbeat();
    }
}

void ControllerLink::want_shutdown() {
    want_shutdown_ = true;
    heartbeat_now();
}

void ControllerLink::heartbeat() {
    if (std::exchange(heartbeat_under_way_, true)) return;
    heartbeat_again_ = false;
    const HeartbeatRequest request{.id = options_.self,
                                   .epoch = epoch_,
                                   .metadata_offset = offset_,
                                   .want_shutdown = want_shutdown_,
                                   .log_dir_offline = callbacks_.log_dir_offline()};
    requests_.send(private_request(PrivateApi::heartbeat, request), [this](Result<std::string_view> answer) {
        heartbeat_under_way_ = false;
        const auto reply = answer ? unpack<HeartbeatReply>(*answer) : std::nullopt;
        if (!reply) {
            loop_.after(retry_interval, [this] { heartbeat_now(); });
            return;
        }
        last_answer_ = loop_.now();
        if (reply->fault != Fault::none) {
            log_warn(who, "the controller does not know this incarnation ({}): registering again",
                     wire::to_string(reply->fault));
            register_self();
            return;
        }
        if (fenced_ && !reply->fenced) log_info(who, "serving, epoch {}", epoch_);
        fenced_ = reply->fenced;
        if (want_shutdown_ && reply->may_shut_down) return callbacks_.may_shut_down();
        const bool soon = fenced_ || want_shutdown_;
        if (heartbeat_again_) return heartbeat();
        loop_.after(
            soon ? std::min(fenced_heartbeat_interval, options_.heartbeat_interval) : options_.heartbeat_interval,
            [this] { heartbeat_now(); });
    });
}

void ControllerLink::fetch_metadata() {
    const FetchMetadataRequest request{
        .id = options_.self, .offset = offset_, .incarnation = log_incarnation_, .max_wait_ms = metadata_wait_ms};
    stream_.send(private_request(PrivateApi::fetch_metadata, request), [this](Result<std::string_view> answer) {
        const auto reply = answer ? unpack<FetchMetadataReply>(*answer) : std::nullopt;
        if (!reply) {
            loop_.after(retry_interval, [this] { fetch_metadata(); });
            return;
        }
        on_metadata(*reply);
        fetch_metadata();
    });
}

void ControllerLink::on_metadata(const FetchMetadataReply& reply) {
    if (reply.incarnation != options_.cluster_id) {
        return callbacks_.refused(fmt::format("the controller now belongs to cluster {}, this broker to {}",
                                              reply.incarnation, options_.cluster_id));
    }
    std::vector<MetadataRecord> records;
    for (const auto& encoded : reply.records) {
        auto record = decode_record(encoded);
        if (!record)
            return callbacks_.refused(
                "a metadata record can't be read: controller and broker are of different versions");
        records.push_back(*std::move(record));
    }
    offset_ = reply.next_offset;
    log_incarnation_ = reply.incarnation;
    last_metadata_ = loop_.now();
    if (reply.reset || !records.empty()) callbacks_.metadata(reply.reset, std::move(records));
    if (fenced_) heartbeat_now();
}

// Without an answer a wish may have been granted all the same: it stands, and is sent again until it is answered.
void ControllerLink::alter_partitions(std::vector<AlterPartition> wishes,
                                      std::function<void(const AlterPartition&, Fault)> on_answer) {
    AlterPartitionsRequest request{.id = options_.self, .epoch = epoch_, .partitions = wishes};
    auto frame = private_request(PrivateApi::alter_partitions, request);
    requests_.send(std::move(frame), [this, wishes = std::move(wishes), on_answer](Result<std::string_view> answer) {
        const auto reply = answer ? unpack<AlterPartitionsReply>(*answer) : std::nullopt;
        if (!reply) {
            loop_.after(retry_interval, [this, wishes, on_answer] { alter_partitions(wishes, on_answer); });
            return;
        }
        for (std::size_t i = 0; i < wishes.size(); ++i) {
            Fault fault = Fault::unknown_server_error;
            if (i < reply->partitions.size()) fault = reply->partitions[i];
            on_answer(wishes[i], fault);
        }
    });
}

void ControllerLink::allocate_producer_ids(std::function<void(Result<AllocateProducerIdsReply>)> on_answer) {
    auto frame = private_request(PrivateApi::allocate_producer_ids, AllocateProducerIdsRequest{options_.self});
    requests_.send(std::move(frame), [on_answer](Result<std::string_view> answer) {
        if (!answer) return on_answer(std::unexpected(answer.error()));
        auto reply = unpack<AllocateProducerIdsReply>(*answer);
        if (!reply) return on_answer(fail(ErrorCode::internal, "unreadable answer"));
        on_answer(*reply);
    });
}

}  // namespace medic::engine::broker
