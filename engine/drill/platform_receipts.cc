// Two groups of one coordinator, and that coordinator, which hangs.
#include <fmt/ranges.h>

#include "agent/wire/messages/membership.h"
#include "agent/world/real/http_client.h"
#include "agent/world/real/kafka_client.h"
#include "engine/drill/platform.h"

namespace medic::engine::drill {

Result<std::uint64_t> Platform::receipts_committed() {
    if (!receipts_) {
        MEDIC_TRY(receipts_, Receipts::open(fmt::format("{}", fmt::join(bootstrap(), ","))));
    }
    return receipts_->committed();
}

Status Platform::hang_coordinator_of_receipts() const {
    KafkaClient client({.bootstrap = bootstrap()});
    std::int32_t coordinator = -1;
    for (const char* group : receipts_groups) {
        MEDIC_TRY(const auto answer,
                  client.call(KafkaTarget::any(), wire::FindCoordinatorRequest{.key = group, .keys = {group}}));
        MEDIC_CHECK(wire::check(answer.error, "coordinator of " + std::string(group)));
        const auto id = answer.coordinators.empty() ? answer.node_id : answer.coordinators.front().node_id;
        if (coordinator >= 0 && id != coordinator)
            return fail(ErrorCode::internal, "{} is not coordinated where the others are", group);
        coordinator = id;
    }
    for (const lab::ProcessPlan& process : plan_.processes) {
        if (process.name != fmt::format("broker-{}", coordinator)) continue;
        HttpClient http;
        MEDIC_TRY(const HttpReply reply,
                  http.perform({.method = "POST",
                                .url = fmt::format("http://127.0.0.1:{}/coordinator-block?partition={}",
                                                   process.ports.at("metrics"), receipts_coordinated_in)}));
        if (reply.status != 200) return fail(ErrorCode::unavailable, "coordinator of {}: {}", process.name, reply.body);
        return {};
    }
    return fail(ErrorCode::invalid, "no node of broker {}", coordinator);
}

void Platform::close_receipts() { receipts_.reset(); }

}  // namespace medic::engine::drill
