// The example job: watches a fleet of servers. Devices report events; per server and one-minute window (event time) it
// counts the faults, and above five it asks for a new node. Built three times: as version 1, as version 2, which brings
// a bug (see wear_of), and as version 3, in which that is mended.
//
//   --bootstrap host:port  --topic T  --output FOLDER  --lookup-port P  --tickets-port P  [--group G]
#include <map>
#include <string>

#include "engine/flow/api/flow.h"
#include "engine/workload/checker.h"
#include "engine/workload/event.h"
#include "engine/workload/jobs/line_client.h"

template <>
struct medic::engine::flow::Serializer<medic::engine::workload::Event> {
    using Event = medic::engine::workload::Event;
    static void write(const Event& event, ByteWriter& to) { to.bytes(encode(event)); }
    static Event read(ByteReader& from) {
        auto event = medic::engine::workload::decode(from.bytes());
        if (!event) throw std::runtime_error(event.error().message);
        return *std::move(event);
    }
};

namespace fleet {

namespace flow = medic::engine::flow;
using medic::engine::workload::Event;
using medic::engine::workload::OutputRow;

struct Report {
    std::string server;
    std::string place;  // region|rack, from the lookup service.
    std::int64_t at_ms = 0;
    double wear = 0;  // Of the device's storage; not in version 1.
    bool fault = false;

    void write(flow::ByteWriter& to) const {
        to.bytes(server);
        to.bytes(place);
        to.number(at_ms);
        to.number(wear);
        to.number<std::uint8_t>(fault ? 1 : 0);
    }
    static Report read(flow::ByteReader& from) {
        Report report;
        report.server = from.bytes();
        report.place = from.bytes();
        report.at_ms = from.number<std::int64_t>();
        report.wear = from.number<double>();
        report.fault = from.number<std::uint8_t>() != 0;
        return report;
    }
};

struct Row {
    OutputRow output;
    void write(flow::ByteWriter& to) const { to.bytes(encode(output)); }
    static Row read(flow::ByteReader& from) {
        auto row = medic::engine::workload::decode_row(from.bytes());
        if (!row) throw std::runtime_error(row.error().message);
        return {*std::move(row)};
    }
};

Event parse(const flow::SourceRecord& record) {
    auto event = medic::engine::workload::decode(record.value);
    if (!event) throw std::invalid_argument(event.error().message);
    return *std::move(event);
}

#ifdef FLEET_MONITOR_VERSION_1
double wear_of(const Event&) { return 0; }
#else
struct StorageModel {
    double writes_max = 0;
};

const StorageModel* model_of(const std::string& storage) {
    static const std::map<std::string, StorageModel> models = {
        {"nvme-0", {1e9}}, {"nvme-1", {2e9}}, {"nvme-2", {4e9}}, {"nvme-3", {8e9}}};
    const auto found = models.find(storage);
    return found == models.end() ? nullptr : &found->second;
}

[[gnu::noinline]] double wear_of(const Event& event) {
    const StorageModel* model = model_of(event.storage);
#ifdef FLEET_MONITOR_VERSION_3
    if (model == nullptr) return 0;  // Version 2 did not ask: a device that doesn't know its storage has no model.
#endif
    return static_cast<double>(event.sequence) / model->writes_max;
}
#endif

class Enrich {
public:
    Enrich(int port, int call_every) : lookup_("127.0.0.1", port, Waiting::cancellable), call_every_(call_every) {}

    Report operator()(const Event& event, flow::Context& context) {
        Report report{event.server, {}, event.at_ms, wear_of(event), event.fault};
        if (calls_++ % call_every_ == 0) place_ = look_up(event.server, context);
        report.place = place_;
        return report;
    }

private:
    std::string look_up(const std::string& server, flow::Context& context) {
        std::string place = lookup_.ask(server, context);
        if (place.starts_with("error")) throw ServiceError("lookup of " + server + ": " + place);
        return place;
    }

    LineClient lookup_;
    int call_every_;  // One call answers for so many records: a batch.
    std::int64_t calls_ = 0;
    std::string place_;
};

}  // namespace fleet

MEDIC_FLOW_JOB(environment, parameters) {
    using namespace fleet;
    const auto lookup_port = static_cast<int>(parameters.get_number("lookup-port", 0));
    const auto tickets_port = static_cast<int>(parameters.get_number("tickets-port", 0));
    const auto lookup_batch = static_cast<int>(parameters.get_number("lookup-batch", 1));

    environment.name("fleet-monitor");
    environment.set("execution.checkpointing.interval", parameters.get("checkpoint-interval", "1000"));
    auto rows =
        environment
            .kafka_source<Event>(
                "device-events",
                {.bootstrap = parameters.require("bootstrap"),
                 .topic = parameters.require("topic"),
                 .group_id = parameters.get("group", "fleet-monitor")},
                [](const flow::SourceRecord& record, flow::Collector<Event>& out) { out.emit(parse(record)); },
                {.max_out_of_orderness_ms = 6'000,
                 .idle_timeout_ms = 2'000,
                 .timestamp = [](const Event& event) { return event.at_ms; }})
            .map("enrich", Enrich(lookup_port, lookup_batch))
            .filter("faults", [](const Report& report) { return report.fault; })
            .key_by([](const Report& report) { return report.server; })
            .window({.size_ms = medic::engine::workload::window_ms})
            .aggregate<std::int64_t, Row>(
                "faults-per-minute", [](std::int64_t& count, const Report&) { ++count; },
                [](const flow::Window<std::string>& window, const std::int64_t& count, flow::Collector<Row>& out) {
                    const auto faults = static_cast<std::uint64_t>(count);
                    out.emit({OutputRow{{window.start, window.key},
                                        faults,
                                        faults > medic::engine::workload::faults_before_replacement}});
                });
    rows.sink_files("fleet-report", {.directory = parameters.require("output")},
                    [](const Row& row) { return encode(row.output); });
    if (tickets_port == 0) return;
    rows.filter("replacements", [](const Row& row) { return row.output.replace_node; })
        .sink("tickets", [tickets = LineClient("127.0.0.1", tickets_port, Waiting::patient)](
                             const Row& row, flow::Context& context) mutable {
            // At least once: a ticket of the same server and window is the same ticket.
            if (const auto answer = tickets.ask(encode(row.output), context); answer != "ok")
                throw ServiceError("ticket refused: " + answer);
        });
}
