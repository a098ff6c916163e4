// The KafkaReader of a running agent: a KafkaClient, a short deadline for each call and one for the whole look. On a
// thread that may wait.
#pragma once

#include <memory>

#include "agent/collectors/kafka/kafka.h"
#include "agent/world/real/kafka_client.h"

namespace medic {

class TimedKafkaReader : public KafkaReader {
public:
    // A look begins: what is asked after its time is over fails at once.
    virtual void begin() = 0;
};

[[nodiscard]] std::unique_ptr<TimedKafkaReader> make_kafka_reader(std::shared_ptr<KafkaClient> client,
                                                                  Duration timeout);

}  // namespace medic
