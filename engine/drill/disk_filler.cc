#include "engine/drill/disk_filler.h"

#include <algorithm>
#include <chrono>

#include "agent/wire/messages/topics.h"
#include "agent/world/real/clock.h"
#include "agent/world/real/kafka_client.h"
#include "agent/world/real/kafka_consumer.h"
#include "agent/world/real/kafka_producer.h"

namespace medic::engine::drill {
namespace {

constexpr std::size_t record_bytes = 16 * 1024;
constexpr auto round_time = std::chrono::milliseconds(50);

// Not compressible and never twice the same, like a dump of requests.
std::string noise(std::uint64_t& state) {
    std::string text(record_bytes, '\0');
    for (std::size_t i = 0; i + 8 <= text.size(); i += 8) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;  // Knuth's MMIX generator.
        std::copy_n(reinterpret_cast<const char*>(&state), 8, text.begin() + static_cast<std::ptrdiff_t>(i));
    }
    return text;
}

}  // namespace

Result<std::unique_ptr<DiskFiller>> DiskFiller::start(DiskFillerOptions options) {
    std::unique_ptr<DiskFiller> filler(new DiskFiller(std::move(options)));
    MEDIC_CHECK(filler->create_topic());
    filler->thread_ = std::thread([raw = filler.get()] { raw->run(); });
    return filler;
}

DiskFiller::~DiskFiller() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
}

Status DiskFiller::create_topic() const {
    KafkaClient client({.bootstrap = options_.bootstrap});
    wire::CreateTopicsRequest request;
    wire::CreateTopicsRequest::Topic topic{.name = options_.topic};
    for (std::int32_t partition = 0; partition < options_.partitions; ++partition)
        topic.assignments.push_back({partition, options_.brokers});
    for (const auto& [key, value] : options_.configs) topic.configs.push_back({key, value});
    request.topics = {topic};
    MEDIC_TRY(const auto response, client.call(KafkaTarget::controller(), request));
    for (const auto& result : response.topics) {
        if (result.error == wire::KafkaError::topic_already_exists) continue;
        MEDIC_CHECK(wire::check(result.error, "create " + options_.topic));
    }
    return {};
}

void DiskFiller::run() {
    KafkaClient client({.bootstrap = options_.bootstrap});
    KafkaProducer producer(client, {.delivery_timeout = Duration(20'000)});
    const auto capacity = static_cast<double>(options_.capacity_bytes);
    double written = 0, due = 0;
    std::uint64_t noise_state = 42;
    auto last = std::chrono::steady_clock::now();
    while (!stopping_ && written < capacity * options_.stop_at) {
        std::this_thread::sleep_for(round_time);
        const auto now = std::chrono::steady_clock::now();
        const double rate =
            written < capacity * options_.fast_until ? options_.fast_bytes_per_second : options_.slow_bytes_per_second;
        due = std::min(due + rate * std::chrono::duration<double>(now - last).count(), rate);
        last = now;
        std::uint64_t batch = 0;
        for (; due >= static_cast<double>(record_bytes); due -= static_cast<double>(record_bytes), ++batch) {
            const std::string value = noise(noise_state);
            if (!producer.append({.topic = options_.topic, .timestamp_ms = read_clock().wall.unix_ms, .value = value}))
                break;
        }
        if (batch == 0) continue;
        if (!producer.flush())
            break;  // The disk is full, or its broker is gone: nobody knows what of this batch was written.
        acknowledged_ += batch;
        written += static_cast<double>(batch * record_bytes);
    }
    done_ = true;
}

Result<std::uint64_t> DiskFiller::lost() const {
    KafkaClient client({.bootstrap = options_.bootstrap});
    std::vector<TopicPartition> partitions;
    for (std::int32_t partition = 0; partition < options_.partitions; ++partition)
        partitions.push_back({options_.topic, partition});
    MEDIC_TRY(const auto begins, list_offsets(client, partitions, kFromEarliest));
    MEDIC_TRY(const auto ends, list_offsets(client, partitions, kFromLatest));
    std::uint64_t readable = 0;
    for (const auto& [partition, end] : ends) readable += static_cast<std::uint64_t>(end - begins.at(partition));
    const std::uint64_t written = acknowledged_;
    return written > readable ? written - readable : 0;
}

}  // namespace medic::engine::drill
