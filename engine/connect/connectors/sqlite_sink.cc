// SqliteSinkConnector: one row per record, exactly once: rows and the next offset of each partition are written in one
// transaction, and after a restart reading goes on where the database says.
//
// confirm.address: after each batch the task asks a small TCP service over one kept connection ("CONFIRM topic
// partition next-offset rows\n", answered "ok\n"). There is no read time-out, as in many JDBC connectors: when the
// service goes silent, the task hangs in the call.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sqlite3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <map>

#include <fmt/format.h>

#include "engine/common/throw_trace.h"
#include "engine/connect/plugin.h"

namespace medic::engine::connectors {

using namespace connect;

[[noreturn]] void fail_task(const std::string& message) {
    throw NamedException("org.apache.kafka.connect.errors.ConnectException", message);
}

// A kept connection to the confirming service; connects on first use, and once more when the other side has closed it.
class ConfirmConnection {
public:
    explicit ConfirmConnection(std::string address) : address_(std::move(address)) {}
    ConfirmConnection(const ConfirmConnection&) = delete;
    ConfirmConnection& operator=(const ConfirmConnection&) = delete;
    ~ConfirmConnection() { disconnect(); }

    void confirm(const std::string& request) {
        const bool was_connected = fd_ >= 0;
        if (!was_connected) connect_to();
        if (exchange(request)) return;
        disconnect();
        if (was_connected) {
            connect_to();
            if (exchange(request)) return;
        }
        fail_task(fmt::format("confirm.address {}: connection closed", address_));
    }

private:
    void connect_to() {
        const auto colon = address_.rfind(':');
        sockaddr_in target{};
        target.sin_family = AF_INET;
        std::uint16_t port = 0;
        const std::string_view port_text =
            std::string_view(address_).substr(colon == std::string::npos ? address_.size() : colon + 1);
        std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
        target.sin_port = htons(port);
        if (port == 0 || inet_pton(AF_INET, address_.substr(0, colon).c_str(), &target.sin_addr) != 1)
            throw NamedException(
                "org.apache.kafka.common.config.ConfigException",
                fmt::format("Invalid value {} for configuration confirm.address: expected IPV4:PORT", address_));
        fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd_ < 0 || ::connect(fd_, reinterpret_cast<const sockaddr*>(&target), sizeof target) != 0) {
            const int error = errno;
            disconnect();
            fail_task(fmt::format("confirm.address {}: {}", address_, std::strerror(error)));
        }
    }

    // False: the connection is gone. Blocks for as long as the other side keeps the connection and says nothing.
    bool exchange(const std::string& request) {
        for (std::size_t sent = 0; sent < request.size();) {
            const ssize_t wrote = send(fd_, request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
            if (wrote <= 0) return false;
            sent += static_cast<std::size_t>(wrote);
        }
        std::string answer;
        while (!answer.ends_with('\n') && answer.size() < 1024) {
            char chunk[256];
            const ssize_t got = recv(fd_, chunk, sizeof chunk, 0);
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) return false;
            answer.append(chunk, static_cast<std::size_t>(got));
        }
        if (answer != "ok\n")
            fail_task(fmt::format("confirm.address {}: expected ok, got '{}'", address_, answer.substr(0, 80)));
        return true;
    }

    void disconnect() {
        if (fd_ >= 0) close(fd_);
        fd_ = -1;
    }

    std::string address_;
    int fd_ = -1;
};

class Statement {
public:
    Statement(sqlite3* db, const std::string& sql) : db_(db) {
        if (sqlite3_prepare_v2(db, sql.c_str(), -1, &handle_, nullptr) != SQLITE_OK)
            fail_task(fmt::format("SQLite: {}", sqlite3_errmsg(db)));
    }
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;
    ~Statement() { sqlite3_finalize(handle_); }

    Statement& bind(int index, std::int64_t value) { return sqlite3_bind_int64(handle_, index, value), *this; }
    Statement& bind(int index, const std::optional<std::string>& value) {
        if (value)
            sqlite3_bind_text64(handle_, index, value->data(), value->size(), SQLITE_TRANSIENT, SQLITE_UTF8);
        else
            sqlite3_bind_null(handle_, index);
        return *this;
    }
    bool step() {  // True: a row is there.
        const int code = sqlite3_step(handle_);
        if (code != SQLITE_ROW && code != SQLITE_DONE) fail_task(fmt::format("SQLite: {}", sqlite3_errmsg(db_)));
        return code == SQLITE_ROW;
    }
    // What the database objects to in what was bound: a rule of the table. Anything else fails the task as step() does.
    std::optional<std::string> refused() {
        const int code = sqlite3_step(handle_);
        if (code == SQLITE_DONE) return std::nullopt;
        if (code != SQLITE_CONSTRAINT) fail_task(fmt::format("SQLite: {}", sqlite3_errmsg(db_)));
        return sqlite3_errmsg(db_);
    }
    std::int64_t number(int column) { return sqlite3_column_int64(handle_, column); }
    void reset() {
        sqlite3_reset(handle_);
        sqlite3_clear_bindings(handle_);
    }

private:
    sqlite3* db_;
    sqlite3_stmt* handle_ = nullptr;
};

class SqliteSinkTask final : public SinkTask {
public:
    ~SqliteSinkTask() override {
        insert_.reset();
        sqlite3_close(db_);
    }

    void start(const Config& config) override {
        const std::string path = text_option(config, "db.path");
        const std::string table = text_option(config, "table.name", "records");
        if (table.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") !=
            std::string::npos)
            throw NamedException(
                "org.apache.kafka.common.config.ConfigException",
                fmt::format("Invalid value {} for configuration table.name: letters, digits and _ expected", table));
        if (sqlite3_open(path.c_str(), &db_) != SQLITE_OK)
            fail_task(fmt::format("SQLite {}: {}", path, sqlite3_errmsg(db_)));
        sqlite3_busy_timeout(db_, 10'000);  // Tasks of one connector share the file; each writes for milliseconds.
        run("PRAGMA journal_mode=WAL");
        run("PRAGMA synchronous=FULL");
        run(fmt::format(
            "CREATE TABLE IF NOT EXISTS {} (topic TEXT NOT NULL, part INTEGER NOT NULL, offset INTEGER NOT NULL, "
            "timestamp_ms INTEGER NOT NULL, key TEXT, value TEXT{})",
            table, text_option(config, "value.required") == "true" ? " NOT NULL" : ""));
        run("CREATE TABLE IF NOT EXISTS connect_offsets (topic TEXT NOT NULL, part INTEGER NOT NULL, next_offset "
            "INTEGER NOT NULL, "
            "PRIMARY KEY (topic, part)) WITHOUT ROWID");
        insert_ = std::make_unique<Statement>(db_, fmt::format("INSERT INTO {} VALUES (?, ?, ?, ?, ?, ?)", table));
        if (const auto address = text_option(config, "confirm.address"); !address.empty())
            confirm_ = std::make_unique<ConfirmConnection>(address);
    }

    std::optional<std::int64_t> open(const TopicPartition& partition) override { return stored_offset(partition); }

    void put(std::span<const SinkRecord> records) override {
        std::map<TopicPartition, std::int64_t> next;  // After this batch.
        run("BEGIN IMMEDIATE");
        try {
            for (const auto& record : records) insert(record, next);
            Statement upsert(db_,
                             "INSERT INTO connect_offsets VALUES (?, ?, ?) ON CONFLICT (topic, part) DO UPDATE SET "
                             "next_offset = excluded.next_offset");
            for (const auto& [partition, offset] : next) {
                upsert.bind(1, std::optional(partition.topic))
                    .bind(2, std::int64_t{partition.partition})
                    .bind(3, offset)
                    .step();
                upsert.reset();
            }
            run("COMMIT");
        } catch (...) {
            sqlite3_exec(db_, "ROLLBACK", nullptr, nullptr, nullptr);
            throw;
        }
        if (!confirm_) return;
        for (const auto& [partition, offset] : next)
            confirm_->confirm(
                fmt::format("CONFIRM {} {} {} {}\n", partition.topic, partition.partition, offset, records.size()));
    }

private:
    // Skips what the database already has: after a crash between commit and the group's offset, or from a task that was
    // fenced late.
    void insert(const SinkRecord& record, std::map<TopicPartition, std::int64_t>& next) {
        const TopicPartition partition{record.topic, record.partition};
        auto found = next.find(partition);
        if (found == next.end()) found = next.emplace(partition, stored_offset(partition).value_or(0)).first;
        if (record.offset < found->second) return;
        insert_->bind(1, std::optional(record.topic)).bind(2, std::int64_t{record.partition}).bind(3, record.offset);
        insert_->bind(4, record.timestamp_ms).bind(5, record.key).bind(6, record.value);
        if (const auto refused = insert_->refused())
            fail_task(fmt::format("SQLite: {}: topic '{}' partition {} at offset {}", *refused, record.topic,
                                  record.partition, record.offset));
        insert_->reset();
        found->second = record.offset + 1;
    }

    std::optional<std::int64_t> stored_offset(const TopicPartition& partition) {
        Statement select(db_, "SELECT next_offset FROM connect_offsets WHERE topic = ? AND part = ?");
        if (!select.bind(1, std::optional(partition.topic)).bind(2, std::int64_t{partition.partition}).step())
            return std::nullopt;
        return select.number(0);
    }

    void run(const std::string& sql) {
        if (sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
            fail_task(fmt::format("SQLite: {}", sqlite3_errmsg(db_)));
    }

    sqlite3* db_ = nullptr;
    std::unique_ptr<Statement> insert_;
    std::unique_ptr<ConfirmConnection> confirm_;
};

// A database that is not there yet holds no offsets to change: what the group says counts.
void alter_stored_offsets(const Config& config, const std::map<TopicPartition, std::optional<std::int64_t>>& offsets) {
    const std::string path = text_option(config, "db.path");
    if (access(path.c_str(), F_OK) != 0) return;
    sqlite3* db = nullptr;
    const int opened = sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READWRITE, nullptr);
    const std::unique_ptr<sqlite3, decltype(&sqlite3_close)> closing(db, &sqlite3_close);
    if (opened != SQLITE_OK) fail_task(fmt::format("SQLite {}: {}", path, sqlite3_errmsg(db)));
    sqlite3_busy_timeout(db, 10'000);
    for (const auto& [partition, offset] : offsets) {
        Statement change(db, offset ? "UPDATE connect_offsets SET next_offset = ?3 WHERE topic = ?1 AND part = ?2"
                                    : "DELETE FROM connect_offsets WHERE topic = ?1 AND part = ?2");
        change.bind(1, std::optional(partition.topic)).bind(2, std::int64_t{partition.partition});
        if (offset) change.bind(3, *offset);
        change.step();
    }
}

Plugin sqlite_sink() {
    Plugin plugin;
    plugin.class_name = "org.streammedic.connect.SqliteSinkConnector";
    plugin.alias = "SqliteSink";
    plugin.type = ConnectorType::sink;
    plugin.options = {
        {"db.path", true, "the database file"},
        {"table.name", false, "the table of the rows, 'records' by default"},
        {"value.required", false, "true: the table takes no row without a value"},
        {"confirm.address", false, "IPV4:PORT of a service that confirms each batch; there is no time-out"}};
    plugin.make_sink = [] { return std::make_unique<SqliteSinkTask>(); };
    plugin.alter_offsets = alter_stored_offsets;
    return plugin;
}

}  // namespace medic::engine::connectors
