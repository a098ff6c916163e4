// GeneratorSourceConnector: makes JSON records at a steady rate. Record n of task t is a function of (seed, t, n) and
// time fields only, so that a reader can tell which are missing and which came twice.
#include <algorithm>
#include <charconv>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "engine/common/throw_trace.h"
#include "engine/connect/plugin.h"

namespace medic::engine::connectors {

using namespace connect;

struct GeneratorField {
    enum class Kind : std::uint8_t { sequence, task, time, integer, pick, text };
    std::string name;
    Kind kind = Kind::sequence;
    std::int64_t low = 0, high = 0;
    std::vector<std::string> choices;
};

// SplitMix64: one well-mixed number for each (seed, record, field).
std::uint64_t mix(std::uint64_t value) {
    value += 0x9e3779b97f4a7c15ULL;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
    return value ^ (value >> 31);
}

std::int64_t now_unix_ms() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

[[noreturn]] void bad_field(std::string_view text) {
    throw NamedException(
        "org.apache.kafka.common.config.ConfigException",
        fmt::format(
            "Invalid value {} for configuration fields: expected name=seq|task|time|int:LOW:HIGH|pick:A|B|…|text:N",
            text));
}

std::int64_t field_number(std::string_view text, std::string_view whole) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) bad_field(whole);
    return value;
}

GeneratorField parse_field(std::string_view text) {
    GeneratorField field;
    const auto equals = text.find('=');
    if (equals == std::string_view::npos || equals == 0) bad_field(text);
    field.name = std::string(text.substr(0, equals));
    const std::string_view spec = text.substr(equals + 1);
    const std::string_view kind = spec.substr(0, spec.find(':'));
    std::string_view rest = kind.size() < spec.size() ? spec.substr(kind.size() + 1) : std::string_view();
    using Kind = GeneratorField::Kind;
    if (kind == "seq") {
        field.kind = Kind::sequence;
    } else if (kind == "task") {
        field.kind = Kind::task;
    } else if (kind == "time") {
        field.kind = Kind::time;
    } else if (kind == "int" && rest.find(':') != std::string_view::npos) {
        field.kind = Kind::integer;
        field.low = field_number(rest.substr(0, rest.find(':')), text);
        field.high = field_number(rest.substr(rest.find(':') + 1), text);
        if (field.high < field.low) bad_field(text);
    } else if (kind == "pick" && !rest.empty()) {
        field.kind = Kind::pick;
        while (!rest.empty()) {
            const auto bar = rest.find('|');
            field.choices.emplace_back(rest.substr(0, bar));
            rest = bar == std::string_view::npos ? std::string_view() : rest.substr(bar + 1);
        }
    } else if (kind == "text") {
        field.kind = Kind::text;
        field.high = field_number(rest, text);
        if (field.high < 0 || field.high > 1 << 20) bad_field(text);
    } else {
        bad_field(text);
    }
    return field;
}

class GeneratorSourceTask final : public SourceTask {
public:
    void start(const Config& config, const std::optional<SourceOffset>& resume_after) override {
        topic_ = text_option(config, "topic");
        rate_per_s_ = number_option(config, "rate", 10);
        records_max_ = number_option(config, "records.max", -1);
        seed_ = static_cast<std::uint64_t>(number_option(config, "seed", 1));
        task_ = number_option(config, "task.id", 0);
        key_field_ = text_option(config, "key.field");
        if (rate_per_s_ < 1)
            throw NamedException(
                "org.apache.kafka.common.config.ConfigException",
                fmt::format("Invalid value {} for configuration rate: Value must be at least 1", rate_per_s_));
        auto fields = list_option(config, "fields");
        if (fields.empty()) fields = {"seq=seq", "time=time"};
        for (const auto& field : fields) fields_.push_back(parse_field(field));
        if (resume_after) next_ = nlohmann::json::parse(resume_after->offset_json).at("seq").get<std::int64_t>();
        first_ = next_;
        started_ = std::chrono::steady_clock::now();
    }

    std::vector<SourceRecord> poll(std::chrono::milliseconds at_most) override {
        using namespace std::chrono;
        const auto deadline = steady_clock::now() + at_most;
        while (true) {
            const auto elapsed_us = duration_cast<microseconds>(steady_clock::now() - started_).count();
            std::int64_t due = first_ + elapsed_us * rate_per_s_ / 1'000'000;
            if (records_max_ >= 0) due = std::min(due, records_max_);
            if (due > next_) return make(std::min(due, next_ + batch_max));
            if (steady_clock::now() >= deadline) return {};
            std::this_thread::sleep_for(
                std::min<steady_clock::duration>(milliseconds(5), deadline - steady_clock::now()));
        }
    }

    SourceOffset offset() override {
        return {fmt::format(R"({{"task":{}}})", task_), fmt::format(R"({{"seq":{}}})", next_)};
    }

private:
    static constexpr std::int64_t batch_max = 2000;  // As Kafka's source tasks: a bounded batch per poll.

    std::vector<SourceRecord> make(std::int64_t end) {
        std::vector<SourceRecord> records;
        const std::int64_t now_ms = now_unix_ms();
        for (; next_ < end; ++next_) {
            nlohmann::json value = nlohmann::json::object();
            for (std::size_t i = 0; i < fields_.size(); ++i)
                value[fields_[i].name] = field_value(fields_[i], i, now_ms);
            SourceRecord record{topic_, std::nullopt, value.dump(), now_ms};
            if (!key_field_.empty() && value.contains(key_field_)) {
                const auto& key = value[key_field_];
                record.key = key.is_string() ? key.get<std::string>() : key.dump();
            }
            records.push_back(std::move(record));
        }
        return records;
    }

    nlohmann::json field_value(const GeneratorField& field, std::size_t index, std::int64_t now_ms) const {
        const std::uint64_t number = mix(
            mix(mix(seed_ * 1000003 + static_cast<std::uint64_t>(task_)) + static_cast<std::uint64_t>(next_)) + index);
        switch (field.kind) {
            case GeneratorField::Kind::sequence: return next_;
            case GeneratorField::Kind::task: return task_;
            case GeneratorField::Kind::time: return now_ms;
            case GeneratorField::Kind::integer:
                return field.low +
                       static_cast<std::int64_t>(number % static_cast<std::uint64_t>(field.high - field.low + 1));
            case GeneratorField::Kind::pick: return field.choices[number % field.choices.size()];
            case GeneratorField::Kind::text:
                return std::string(static_cast<std::size_t>(field.high), static_cast<char>('a' + number % 26));
        }
        return nullptr;
    }

    std::string topic_, key_field_;
    std::int64_t rate_per_s_ = 0, records_max_ = -1, task_ = 0, next_ = 0, first_ = 0;
    std::uint64_t seed_ = 0;
    std::vector<GeneratorField> fields_;
    std::chrono::steady_clock::time_point started_;
};

Plugin generator_source() {
    Plugin plugin;
    plugin.class_name = "org.streammedic.connect.GeneratorSourceConnector";
    plugin.alias = "GeneratorSource";
    plugin.type = ConnectorType::source;
    plugin.options = {{"topic", true, "where the records go"},
                      {"rate", false, "records per second of each task, 10 by default"},
                      {"fields", false, "name=seq|task|time|int:LOW:HIGH|pick:A|B|…|text:N, separated by commas"},
                      {"key.field", false, "the field that becomes the record's key"},
                      {"records.max", false, "each task stops after so many records"},
                      {"seed", false, "of the picks and numbers, 1 by default"}};
    plugin.make_source = [] { return std::make_unique<GeneratorSourceTask>(); };
    return plugin;
}

}  // namespace medic::engine::connectors
