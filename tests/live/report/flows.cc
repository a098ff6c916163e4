#include "tests/live/report/flows.h"

#include <charconv>
#include <chrono>
#include <fstream>
#include <functional>
#include <optional>
#include <sstream>
#include <string_view>

#include "agent/world/real/kafka_consumer.h"

namespace medic::live {
namespace {

using engine::lab::LabPlan;
using engine::lab::Role;

constexpr auto poll_pause = std::chrono::milliseconds(200);
constexpr Duration poll_wait{100};
constexpr int polls_max = 10;        // Of one end, before the other has its turn.
constexpr int partition_shift = 40;  // A key of partition and offset.

std::optional<std::int64_t> number(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
    return value;
}

std::string_view field(std::string_view text, char separator, std::size_t index) {
    for (; index > 0; --index) {
        const auto at = text.find(separator);
        if (at == std::string_view::npos) return {};
        text.remove_prefix(at + 1);
    }
    return text.substr(0, text.find(separator));
}

// One end of a flow: hands over the keys of what has come since the last look.
using End = std::function<void(const std::function<void(std::int64_t)>& take)>;
using KeyOf = std::function<std::optional<std::int64_t>(const ConsumedRecord&)>;

enum class Reads : std::uint8_t { everything, committed };

Result<End> topic_end(const LabPlan& plan, const std::string& topic, int partitions, Reads reads, KeyOf key_of) {
    KafkaConsumerOptions options;
    std::istringstream addresses(plan.bootstrap());
    for (std::string address; std::getline(addresses, address, ',');) options.client.bootstrap.push_back(address);
    options.client.client_id = "live-report";
    options.read_committed = reads == Reads::committed;
    auto consumer = std::make_shared<KafkaConsumer>(options);
    // From real offsets: a partition that is first reached later must not begin at what is its end by then.
    std::vector<TopicPartition> parts;
    for (int i = 0; i < partitions; ++i) parts.push_back({topic, i});
    MEDIC_TRY(const auto starts, list_offsets(consumer->client(), parts, kFromLatest));
    MEDIC_CHECK(consumer->assign(starts));
    return [consumer, key_of](const std::function<void(std::int64_t)>& take) {
        for (int i = 0; i < polls_max; ++i) {
            const auto got = consumer->poll(poll_wait, [&](const ConsumedRecord& record) {
                if (const auto key = key_of(record)) take(*key);
            });
            if (!got || *got == 0) return;
        }
    };
}

End file_end(const std::string& path, std::function<std::optional<std::int64_t>(std::string_view)> key_of) {
    std::ifstream there(path, std::ios::ate);
    const auto at = std::make_shared<std::streamoff>(there ? static_cast<std::streamoff>(there.tellg()) : 0);
    return [path, at, key_of](const std::function<void(std::int64_t)>& take) {
        std::ifstream in(path);
        if (!in.seekg(*at)) return;
        for (std::string line; std::getline(in, line);) {
            if (in.eof()) break;  // A last line without its end is still being written.
            *at += static_cast<std::streamoff>(line.size()) + 1;
            if (const auto key = key_of(line)) take(*key);
        }
    };
}

class RunningFlow final : public Flow {
public:
    RunningFlow(End in, End out) : in_(std::move(in)), out_(std::move(out)) {
        thread_ = std::jthread([this](const std::stop_token& stop) {
            while (!stop.stop_requested()) {
                in_([this](std::int64_t key) { ledger_.sent(key); });
                out_([this](std::int64_t key) { ledger_.seen(key); });
                std::this_thread::sleep_for(poll_pause);
            }
        });
    }

private:
    End in_, out_;
    std::jthread thread_;  // Last: joined before what it uses goes.
};

std::optional<std::int64_t> value_number(const ConsumedRecord& record, std::size_t index) {
    return record.record.value ? number(field(*record.record.value, ',', index)) : std::nullopt;
}

std::int64_t place(std::int64_t partition, std::int64_t offset) { return (partition << partition_shift) | offset; }

std::optional<std::int64_t> audit_key(std::string_view line) {
    const auto partition = number(field(line, ' ', 0)), offset = number(field(line, ' ', 1));
    return partition && offset ? std::optional(place(*partition, *offset)) : std::nullopt;
}

std::optional<std::int64_t> inventory_key(std::string_view line) { return number(field(line, ' ', 1)); }

}  // namespace

std::string to_string(FlowName name) {
    switch (name) {
        case FlowName::totals: return "the job's output topic";
        case FlowName::audit: return "the audit sink's file";
        case FlowName::inventory: return "the inventory sink's file";
    }
    return {};
}

RecordCheck Flow::check(std::size_t from, Duration patience) const {
    const std::size_t until = ledger_.sent_count();
    const auto deadline = std::chrono::steady_clock::now() + patience;
    for (;;) {
        const RecordCheck check = ledger_.check(from, until);
        if (check.lost == 0 || std::chrono::steady_clock::now() >= deadline) return check;
        std::this_thread::sleep_for(poll_pause);
    }
}

Result<std::unique_ptr<Flow>> start_flow(FlowName name, const LabPlan& plan) {
    const std::string& dir = plan.options.data_dir;
    // The end first: what goes in from then on must come out.
    switch (name) {
        case FlowName::totals: {
            MEDIC_TRY(End out, topic_end(plan, "order-totals", 3, Reads::committed,
                                         [](const ConsumedRecord& record) { return value_number(record, 2); }));
            MEDIC_TRY(End in, topic_end(plan, "orders", 6, Reads::everything,
                                        [](const ConsumedRecord& record) { return value_number(record, 0); }));
            return std::make_unique<RunningFlow>(std::move(in), std::move(out));
        }
        case FlowName::audit: {
            End out = file_end(dir + "/audit.txt", audit_key);
            MEDIC_TRY(End in, topic_end(plan, "inventory", 3, Reads::everything, [](const ConsumedRecord& record) {
                          return std::optional(place(record.partition, record.record.offset));
                      }));
            return std::make_unique<RunningFlow>(std::move(in), std::move(out));
        }
        case FlowName::inventory: {
            End out = file_end(dir + "/inventory-copy.txt", inventory_key);
            return std::make_unique<RunningFlow>(file_end(dir + "/inventory.txt", inventory_key), std::move(out));
        }
    }
    return fail(ErrorCode::internal, "no such flow");
}

}  // namespace medic::live
