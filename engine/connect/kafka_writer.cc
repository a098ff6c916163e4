// Source tasks write through the world's idempotent producer.
#include "agent/wire/messages/topics.h"
#include "agent/world/real/kafka_producer.h"
#include "engine/connect/kafka_port.h"

namespace medic::engine::connect {
namespace {

class Writer final : public KafkaWriter {
public:
    explicit Writer(const KafkaOptions& options)
        : client_({.bootstrap = options.bootstrap, .client_id = options.client_id}), producer_(client_, {}) {}

    Status write(std::span<const SourceRecord> records) override {
        // After an error some records may still wait in the producer; they must not be handed over twice.
        for (; appended_ < records.size(); ++appended_) {
            const SourceRecord& record = records[appended_];
            KafkaRecord out;
            out.topic = record.topic;
            out.timestamp_ms = record.timestamp_ms;
            if (record.key) out.key = *record.key;
            out.value = record.value;
            std::vector<wire::RecordHeader> headers;
            for (const auto& [name, value] : record.headers) headers.push_back({name, value});
            out.headers = headers;
            if (auto status = producer_.append(out); !status) return give_up(std::move(status).error());
        }
        if (auto status = producer_.flush(); !status) return give_up(std::move(status).error());
        appended_ = 0;
        return {};
    }

    Status create_topic(const NewTopic& topic) override {
        wire::CreateTopicsRequest request;
        request.topics.push_back(
            {topic.name, topic.partitions, static_cast<std::int16_t>(topic.replication_factor), {}, {}});
        MEDIC_TRY(const auto answer, client_.call(KafkaTarget::controller(), request));
        for (const auto& entry : answer.topics) {
            if (entry.error == wire::KafkaError::topic_already_exists) continue;
            MEDIC_CHECK(wire::check(entry.error, "CreateTopics " + topic.name, entry.error_message.value_or("")));
        }
        return {};
    }

    void interrupt() override { client_.stop(); }

private:
    Status give_up(Error error) {
        if (producer_.buffered_records() == 0) appended_ = 0;
        return std::unexpected(std::move(error));
    }

    KafkaClient client_;
    KafkaProducer producer_;
    std::size_t appended_ = 0;
};

}  // namespace

std::unique_ptr<KafkaWriter> make_kafka_writer(const KafkaOptions& options) {
    return std::make_unique<Writer>(options);
}

}  // namespace medic::engine::connect
