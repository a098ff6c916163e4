#include "agent/wire/messages/producer_id.h"

namespace medic::wire {

void InitProducerIdResponse::fields(Codec& c) {
    c(throttle_time_ms);
    c(error);
    c(producer_id);
    c(producer_epoch);
}

void InitProducerIdRequest::fields(Codec& c) {
    c(transactional_id);
    c(transaction_timeout_ms);
    c(producer_id, since(3).or_only(-1));
    c(producer_epoch, since(3).or_only(-1));
}

}  // namespace medic::wire
