// The sink that writes to SQLite, and asks a service to confirm.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sqlite3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "engine/common/throw_trace.h"
#include "engine/connect/test_support_internal.h"

namespace medic::engine::connect {
namespace {

std::int64_t query(const std::string& path, const std::string& sql) {
    sqlite3* db = nullptr;
    sqlite3_stmt* statement = nullptr;
    std::int64_t value = -1;
    if (sqlite3_open(path.c_str(), &db) == SQLITE_OK &&
        sqlite3_prepare_v2(db, sql.c_str(), -1, &statement, nullptr) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return value;
}

// A confirming service that answers only while it is told to.
class ConfirmService {
public:
    explicit ConfirmService(bool answering) : answering_(answering) {
        listener_ = socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
        listen(listener_, 5);
        socklen_t size = sizeof address;
        getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { serve(); });
    }
    ~ConfirmService() {
        shutdown(listener_, SHUT_RDWR);
        if (client_ >= 0) shutdown(client_, SHUT_RDWR);
        thread_.join();
        close(listener_);
    }
    ConfirmService(const ConfirmService&) = delete;
    ConfirmService& operator=(const ConfirmService&) = delete;

    [[nodiscard]] std::string address() const { return fmt::format("127.0.0.1:{}", port_); }
    void wait_for_request() const { requests_.wait(0); }
    void answer() { send(client_, "ok\n", 3, MSG_NOSIGNAL); }

private:
    void serve() {
        client_ = accept(listener_, nullptr, nullptr);
        char text[256];
        while (client_ >= 0 && recv(client_, text, sizeof text, 0) > 0) {
            ++requests_;
            requests_.notify_all();
            if (answering_) answer();
        }
        if (client_ >= 0) close(client_);
    }

    const bool answering_;
    int listener_ = -1, port_ = 0;
    std::atomic<int> client_ = -1, requests_ = 0;
    std::thread thread_;
};

TEST(SqliteSink, WritesEachOffsetOnceHoweverOftenItIsPut) {
    const TemporaryFolder folder;
    const std::string path = folder / "out.db";
    for (int run = 0; run < 2; ++run) {
        const auto task = find_plugin("SqliteSink")->make_sink();
        task->start({{"db.path", path}, {"table.name", "orders"}});
        EXPECT_EQ(task->open({"t", 0}), run == 0 ? std::nullopt : std::optional<std::int64_t>(12));
        task->put(std::vector<SinkRecord>{sink_record(10, "a"), sink_record(11, "b"), sink_record(5, "c", 1)});
        task->put(std::vector<SinkRecord>{sink_record(11, "b")});
    }
    EXPECT_EQ(query(path, "SELECT count(*) FROM orders"), 3);
    EXPECT_EQ(query(path, "SELECT next_offset FROM connect_offsets WHERE part = 1"), 6);
    const auto broken = find_plugin("SqliteSink")->make_sink();
    EXPECT_THROW(broken->start({{"db.path", path}, {"table.name", "x; drop"}}), NamedException);
}

TEST(SqliteSink, HangsInTheCallWhileTheConfirmingServiceIsSilent) {
    const TemporaryFolder folder;
    ConfirmService service(false);
    const auto task = find_plugin("SqliteSink")->make_sink();
    task->start({{"db.path", folder / "out.db"}, {"confirm.address", service.address()}});
    std::atomic<bool> returned = false;
    std::thread put([&] {
        task->put(std::vector<SinkRecord>{sink_record(0, "a")});
        returned = true;
    });
    service.wait_for_request();
    EXPECT_FALSE(returned);
    EXPECT_EQ(query(folder / "out.db", "SELECT count(*) FROM records"), 1);  // Durable before it asked.
    service.answer();
    put.join();
    EXPECT_TRUE(returned);
}

TEST(SqliteSink, FailsItsTaskWhenTheConfirmingServiceIsGone) {
    const TemporaryFolder folder;
    std::string address;
    {
        const ConfirmService service(true);
        address = service.address();
    }
    const auto task = find_plugin("SqliteSink")->make_sink();
    task->start({{"db.path", folder / "out.db"}, {"confirm.address", address}});
    EXPECT_THROW(task->put(std::vector<SinkRecord>{sink_record(0, "a")}), NamedException);
}

TEST(SqliteSink, ARecordThatBreaksARuleOfTheTableIsNamedAndNothingOfItsBatchIsWritten) {
    const TemporaryFolder folder;
    const Config config = {{"db.path", folder / "rows.db"}, {"value.required", "true"}};
    const auto task = find_plugin("SqliteSink")->make_sink();
    task->start(config);
    SinkRecord null = sink_record(1, "");
    null.value.reset();
    try {
        task->put(std::vector<SinkRecord>{sink_record(0, "a"), null});
        ADD_FAILURE() << "it took a row without a value";
    } catch (const NamedException& error) {
        EXPECT_STREQ(error.what(),
                     "SQLite: NOT NULL constraint failed: records.value: topic 't' partition 0 at offset 1");
    }
    EXPECT_EQ(query(folder / "rows.db", "SELECT count(*) FROM records"), 0);
}

TEST(SqliteSink, ItsOwnOffsetsAreAlteredWithThoseOfTheGroup) {
    const TemporaryFolder folder;
    const Plugin& plugin = *find_plugin("SqliteSink");
    const Config config = {{"db.path", folder / "rows.db"}};
    plugin.alter_offsets(config, {{{"t", 0}, 5}});
    EXPECT_FALSE(std::filesystem::exists(folder / "rows.db"));
    {
        const auto task = plugin.make_sink();
        task->start(config);
        task->put(std::vector<SinkRecord>{sink_record(0, "a")});
        EXPECT_EQ(task->open({"t", 0}), 1);
    }
    plugin.alter_offsets(config, {{{"t", 0}, 5}});
    const auto altered = plugin.make_sink();
    altered->start(config);
    EXPECT_EQ(altered->open({"t", 0}), 5);
    plugin.alter_offsets(config, {{{"t", 0}, std::nullopt}});
    EXPECT_EQ(altered->open({"t", 0}), std::nullopt);
}

}  // namespace
}  // namespace medic::engine::connect
