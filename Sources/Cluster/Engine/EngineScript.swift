import Bytes

/// A script that the engine runs as one step, which nothing comes between: one of the rules that all nodes rely on.
///
/// They keep these keys, all under `chatloop:`. An incarnation is written as 32 hexadecimal digits.
///
///     meta             a hash: format; epoch; writes, the number of records of all rooms together
///     lines            a list: each line of the engine (`EngineCheck.judge`), and how many writes there were when it began
///     rooms            a set: the names of all rooms
///     room:NAME        a hash: last, the newest record's position; stamp, its time; epoch; snapshot, the position that the
///                      snapshot stands for; n:INCARNATION, "number position" of the newest record that it has brought;
///                      x:INCARNATION, the time from which on it is lost
///     records:NAME     a stream: the records, each under its position
///     snapshot:NAME    the snapshot
///     history:NAME:N   a hash: the lines of the room's history in block N (`HistoryLine.block`), each under its seq
///     blocks:NAME      a sorted set: the numbers of the blocks that there are
///     sizes:NAME       a hash: for each block "bytes time", with the newest time among what was written to it
///     life:INCARNATION the node's name; it lapses unless it is set again
///     node:NAME        the incarnation that has this name
///
/// All reads and checks of a script come before its first write, and the first write is the one that may be refused for its size: so
/// a script either does all or nothing.
package struct EngineScript: Sendable {
    package let source: String
    /// The digest by which it is called.
    package let digest: [UInt8]

    private init(_ source: String) {
        self.source = source
        digest = SHA1.digest(of: Array(source.utf8).span).flatMap { byte in
            [byte >> 4, byte & 15].map { $0 < 10 ? UInt8(ascii: "0") + $0 : UInt8(ascii: "a") + $0 - 10 }
        }
    }

    package static let all = [attach, append, load, read, store, history, lose, leave]

    // MARK: A node

    /// A node is there, or is still there.
    ///
    /// It sets the key of its life and of its name anew. A new line of the engine is noted with the number of writes that it began
    /// with, and begins a new epoch: what this line appends is never taken for what the one before may have shown and lost. If the
    /// node has seen more writes than there are, or than any line began with since its last attach, then a tail is lost that it has
    /// shown.
    ///
    ///     keys   meta, lines, rooms, life, node
    ///     words  format, line, the line at the last attach or "", the writes seen, incarnation, name, time to live, "life:" key,
    ///            the epoch that the node knows or 0
    ///     gives  {"ok", epoch, writes, 1 where a tail is lost} or {"taken"} or {"foreign", what}
    package static let attach = EngineScript(
        """
        for i, kind in ipairs({'hash', 'list', 'set', 'string', 'string'}) do
          local found = redis.call('TYPE', KEYS[i]).ok
          if found ~= 'none' and found ~= kind then return {'foreign', KEYS[i]} end
        end
        local format = redis.call('HGET', KEYS[1], 'format')
        if not format and redis.call('EXISTS', KEYS[1]) == 1 or format and format ~= ARGV[1] then
          return {'foreign', KEYS[1]}
        end
        local holder = redis.call('GET', KEYS[5])
        if holder and holder ~= ARGV[5] and redis.call('EXISTS', ARGV[8] .. holder) == 1 then return {'taken'} end

        local meta = redis.call('HMGET', KEYS[1], 'epoch', 'writes')
        local epoch, writes = tonumber(meta[1] or 0), tonumber(meta[2] or 0)
        local entries = redis.call('LRANGE', KEYS[2], 0, -1)
        local newest = entries[#entries] and string.match(entries[#entries], '^(%S+)')
        if newest ~= ARGV[2] then entries[#entries + 1] = ARGV[2] .. ' ' .. string.format('%d', writes) end
        local lost, isKnown, seen = 0, ARGV[3] == '', tonumber(ARGV[4])
        if seen > writes then lost = 1 end
        for i = #entries, 1, -1 do
          if ARGV[3] == '' then break end
          local line, start = string.match(entries[i], '^(%S+) (%d+)$')
          if line == ARGV[3] then isKnown = true break end
          if seen > tonumber(start) then lost = 1 end
        end
        if not isKnown then lost = 1 end

        local known = tonumber(ARGV[9])
        if newest ~= ARGV[2] or seen > writes or epoch < known then
          epoch = math.max(epoch, known) + 1
          redis.call('HSET', KEYS[1], 'format', ARGV[1], 'epoch', string.format('%d', epoch), 'writes',
            string.format('%d', writes))
        end
        if newest ~= ARGV[2] then
          redis.call('RPUSH', KEYS[2], entries[#entries])
          redis.call('LTRIM', KEYS[2], -1000, -1)
        end
        redis.call('SET', KEYS[4], ARGV[6], 'PX', ARGV[7])
        redis.call('SET', KEYS[5], ARGV[5], 'PX', ARGV[7])
        return {'ok', epoch, writes, lost}
        """)

    /// A node ends: its life lapses now, and its name is free.
    ///
    ///     keys   life, node
    ///     words  incarnation
    package static let leave = EngineScript(
        """
        redis.call('DEL', KEYS[1])
        if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
        return {'ok'}
        """)

    // MARK: Records

    /// How a record gets its place. It is part of the scripts that add one.
    ///
    /// Stamps never go back, whatever the clock does. Where the room has none of this epoch yet, a record that says so comes first.
    private static let adding = """
        local time = redis.call('TIME')
        local stamp = math.max(tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000), roomStamp)
        local function add(incarnation, number, body)
          last, writes = last + 1, writes + 1
          local record = struct.pack('>I8I8I8', last, stamp, writes) .. incarnation .. struct.pack('>I8', number) .. body
          redis.call('XADD', recordsKey, string.format('%d-0', last), 'r', record)
          redis.call('PUBLISH', channel, 'r' .. record)
        end
        if roomEpoch ~= epoch then add(string.rep('0', 32), 0, '\\003' .. struct.pack('>I8', epoch)) end

        """

    /// Adds a node's record to a room: once, however often it is sent.
    ///
    ///     keys   meta, rooms, room, records, life
    ///     words  channel, room's name, epoch, incarnation, number, position that it stands for, body, node's name, time to live
    ///     gives  {"ok", position}; {"again", position} where it is there already; {"behind", last} where the engine has less than the
    ///            node knows; {"lost"} where the incarnation was declared lost; {"epoch", epoch} where that is another
    package static let append = EngineScript(
        """
        local meta = redis.call('HMGET', KEYS[1], 'epoch', 'writes')
        local epoch, writes = tonumber(meta[1] or 0), tonumber(meta[2] or 0)
        if epoch ~= tonumber(ARGV[3]) then return {'epoch', epoch} end
        local room = redis.call('HMGET', KEYS[3], 'last', 'stamp', 'epoch', 'n:' .. ARGV[4], 'x:' .. ARGV[4])
        if room[5] then return {'lost'} end
        local last, roomStamp, roomEpoch = tonumber(room[1] or 0), tonumber(room[2] or 0), tonumber(room[3] or 1)
        local had, at = string.match(room[4] or '0 0', '^(%d+) (%d+)$')
        local number = tonumber(ARGV[5])
        if number <= tonumber(had) then return {'again', tonumber(at)} end
        if number > tonumber(had) + 1 or tonumber(ARGV[6]) > last then return {'behind', last} end

        local channel, recordsKey = ARGV[1], KEYS[4]
        \(adding)
        add(ARGV[4], number, ARGV[7])
        redis.call('HSET', KEYS[3], 'last', string.format('%d', last), 'stamp', string.format('%d', stamp),
          'epoch', string.format('%d', epoch), 'n:' .. ARGV[4], string.format('%d %d', number, last))
        redis.call('HSET', KEYS[1], 'writes', string.format('%d', writes))
        if last <= 2 then redis.call('SADD', KEYS[2], ARGV[2]) end
        if redis.call('PTTL', KEYS[5]) < tonumber(ARGV[9]) / 2 then
          redis.call('SET', KEYS[5], ARGV[8], 'PX', ARGV[9])
        end
        return {'ok', last}
        """)

    /// Declares an incarnation lost in a room, if its life has lapsed: its connections have lost their line, and nothing of it is taken
    /// in that room any more.
    ///
    ///     keys   meta, room, records, its life
    ///     words  channel, epoch, incarnation
    ///     gives  {"ok", position}; {"again"} where that was done or there is nothing of it; {"alive"}; {"epoch", epoch}
    package static let lose = EngineScript(
        """
        local meta = redis.call('HMGET', KEYS[1], 'epoch', 'writes')
        local epoch, writes = tonumber(meta[1] or 0), tonumber(meta[2] or 0)
        if epoch ~= tonumber(ARGV[2]) then return {'epoch', epoch} end
        if redis.call('EXISTS', KEYS[4]) == 1 then return {'alive'} end
        local room = redis.call('HMGET', KEYS[2], 'last', 'stamp', 'epoch', 'n:' .. ARGV[3])
        if not room[4] then return {'again'} end
        local last, roomStamp, roomEpoch = tonumber(room[1] or 0), tonumber(room[2] or 0), tonumber(room[3] or 1)

        local channel, recordsKey = ARGV[1], KEYS[3]
        \(adding)
        add(string.rep('0', 32), 0, '\\002' .. ARGV[3])
        redis.call('HSET', KEYS[2], 'last', string.format('%d', last), 'stamp', string.format('%d', stamp),
          'epoch', string.format('%d', epoch), 'x:' .. ARGV[3], string.format('%d', stamp))
        redis.call('HDEL', KEYS[2], 'n:' .. ARGV[3])
        redis.call('HSET', KEYS[1], 'writes', string.format('%d', writes))
        return {'ok', last}
        """)

    // MARK: Reading

    /// How records are read: as many as an answer should hold.
    private static let reading = """
        local records, bytes, at = {}, 0, position
        while bytes < 4194304 and at < last do
          local slice = redis.call('XRANGE', recordsKey, string.format('%d-0', at + 1), '+', 'COUNT', 64)
          if #slice == 0 then break end
          for _, entry in ipairs(slice) do
            records[#records + 1] = entry[2][2]
            bytes = bytes + #entry[2][2]
            at = tonumber(string.match(entry[1], '^(%d+)'))
          end
        end

        """

    /// A room as it is: its snapshot and the records after it.
    ///
    ///     keys   meta, room, records, snapshot
    ///     words  incarnation, "life:" key
    ///     gives  {epoch, writes, last, position of the snapshot or 0, snapshot, newest number of this incarnation, 1 where this
    ///            incarnation is lost here, {incarnations}, {those whose life has lapsed}, {records}}
    package static let load = EngineScript(
        """
        local meta = redis.call('HMGET', KEYS[1], 'epoch', 'writes')
        local last, position, had, isLost, lives, lapsed = 0, 0, 0, 0, {}, {}
        local fields = redis.call('HGETALL', KEYS[2])
        for i = 1, #fields, 2 do
          local name, value = fields[i], fields[i + 1]
          local kind, incarnation = string.match(name, '^([nx]):(%x+)$')
          if name == 'last' then last = tonumber(value)
          elseif name == 'snapshot' then position = tonumber(value)
          elseif kind == 'n' then
            if incarnation == ARGV[1] then had = tonumber(string.match(value, '^%d+')) end
            lives[#lives + 1] = incarnation
            if redis.call('EXISTS', ARGV[2] .. incarnation) == 0 then lapsed[#lapsed + 1] = incarnation end
          elseif kind == 'x' and incarnation == ARGV[1] then isLost = 1 end
        end
        table.sort(lives)
        table.sort(lapsed)
        local recordsKey = KEYS[3]
        \(reading)
        return {tonumber(meta[1] or 0), tonumber(meta[2] or 0), last, position, redis.call('GET', KEYS[4]) or '', had,
          isLost, lives, lapsed, records}
        """)

    /// The records after a position.
    ///
    ///     keys   meta, room, records
    ///     words  position
    ///     gives  {"ok", epoch, last, {records}}; {"behind", last}; {"trimmed", last} where they are not kept any more
    package static let read = EngineScript(
        """
        local epoch = tonumber(redis.call('HGET', KEYS[1], 'epoch') or 0)
        local last, position = tonumber(redis.call('HGET', KEYS[2], 'last') or 0), tonumber(ARGV[1])
        if position > last then return {'behind', last} end
        local first = redis.call('XRANGE', KEYS[3], string.format('%d-0', position + 1), '+', 'COUNT', 1)[1]
        if position < last and (not first or first[1] ~= string.format('%d-0', position + 1)) then
          return {'trimmed', last}
        end
        local recordsKey = KEYS[3]
        \(reading)
        return {'ok', epoch, last, records}
        """)

    /// Blocks of a room's history, and whether there are more.
    ///
    ///     keys   blocks, what the keys of the history begin with
    ///     words  the first block's number, "up" or "down", the most blocks
    ///     gives  {1 where there are more, {{number, {seq, line, ...}}, ...}}
    package static let history = EngineScript(
        """
        local most = tonumber(ARGV[3])
        local limit = string.format('%d', most + 1)
        local found
        if ARGV[2] == 'down' then found = redis.call('ZREVRANGEBYSCORE', KEYS[1], ARGV[1], '-inf', 'LIMIT', '0', limit)
        else found = redis.call('ZRANGEBYSCORE', KEYS[1], ARGV[1], '+inf', 'LIMIT', '0', limit) end
        local blocks, bytes = {}, 0
        for i = 1, math.min(most, #found) do
          if bytes >= 1048576 then break end
          local fields, seqs, places = redis.call('HGETALL', KEYS[2] .. found[i]), {}, {}
          for j = 1, #fields, 2 do
            local seq = tonumber(fields[j])
            seqs[#seqs + 1] = seq
            places[seq] = j
            bytes = bytes + #fields[j + 1]
          end
          table.sort(seqs)
          local sorted = {}
          for _, seq in ipairs(seqs) do
            sorted[#sorted + 1] = fields[places[seq]]
            sorted[#sorted + 1] = fields[places[seq] + 1]
          end
          blocks[i] = {found[i], sorted}
        end
        return {#found > #blocks and 1 or 0, blocks}
        """)

    // MARK: Storing

    /// What a snapshot changes in the history: the blocks that are written to, with what they come to; `removed`, lines of the block
    /// `border` that have outlived their time; `gone`, blocks that have.
    private static let findingBlocks = """
        local expired, blocks, order = tonumber(ARGV[5]), {}, {}
        local function blockOf(number)
          if not blocks[number] then
            local bytes, time = string.match(redis.call('HGET', KEYS[6], number) or '0 0', '^(%d+) (%d+)$')
            blocks[number] = {bytes = tonumber(bytes), time = tonumber(time), lines = {}, lengths = {}}
            order[#order + 1] = number
          end
          return blocks[number]
        end
        for i = 6, #ARGV, 3 do
          local seq = tonumber(ARGV[i])
          if seq > expired then
            local number = string.format('%d', math.floor(seq / 256))
            local block, length = blockOf(number), #ARGV[i + 2]
            local former = block.lengths[ARGV[i]] or redis.call('HSTRLEN', KEYS[7] .. number, ARGV[i])
            block.bytes = block.bytes + length - former
            block.time = math.max(block.time, tonumber(ARGV[i + 1]))
            block.lengths[ARGV[i]] = length
            block.lines[#block.lines + 1] = i
          end
        end
        local border = string.format('%d', math.floor((expired + 1) / 256))
        local gone, removed = redis.call('ZRANGEBYSCORE', KEYS[5], '-inf', '(' .. border), {}
        if (expired + 1) % 256 ~= 0 then
          local seqs = redis.call('HKEYS', KEYS[7] .. border)
          for _, seq in ipairs(seqs) do
            if tonumber(seq) <= expired then removed[#removed + 1] = seq end
          end
          if #removed > 0 and #removed == #seqs and not blocks[border] then
            gone[#gone + 1], removed = border, {}
          end
          for _, seq in ipairs(removed) do
            local block = blockOf(border)
            block.bytes = block.bytes - redis.call('HSTRLEN', KEYS[7] .. border, seq)
          end
        end

        """

    /// Stores a snapshot, drops the records that it stands for, and forgets who was lost more than a day ago. With it come the lines of
    /// the history that are new or have changed, and what has outlived its time goes.
    ///
    ///     keys   meta, room, records, snapshot, blocks, sizes, what the keys of the history begin with
    ///     words  channel, epoch, position of the snapshot, snapshot, the last seq that has outlived its time or 0; then of each line
    ///            its seq, its time and itself
    ///     gives  {"ok", position}; {"older", position} where there is a newer one; {"behind", last}; {"epoch", epoch}
    package static let store = EngineScript(
        """
        local epoch = tonumber(redis.call('HGET', KEYS[1], 'epoch') or 0)
        if epoch ~= tonumber(ARGV[2]) then return {'epoch', epoch} end
        local room = redis.call('HMGET', KEYS[2], 'last', 'stamp', 'snapshot')
        local last, stamp, old = tonumber(room[1] or 0), tonumber(room[2] or 0), tonumber(room[3] or 0)
        local position = tonumber(ARGV[3])
        if position > last then return {'behind', last} end
        if position <= old then return {'older', old} end
        local forgotten, fields = {}, redis.call('HGETALL', KEYS[2])
        for i = 1, #fields, 2 do
          if string.sub(fields[i], 1, 2) == 'x:' and tonumber(fields[i + 1]) < stamp - 86400000 then
            forgotten[#forgotten + 1] = fields[i]
          end
        end
        \(findingBlocks)
        redis.call('SET', KEYS[4], ARGV[4])
        redis.call('HSET', KEYS[2], 'snapshot', ARGV[3])
        for _, field in ipairs(forgotten) do redis.call('HDEL', KEYS[2], field) end
        for _, number in ipairs(order) do
          local block = blocks[number]
          for _, i in ipairs(block.lines) do redis.call('HSET', KEYS[7] .. number, ARGV[i], ARGV[i + 2]) end
          redis.call('ZADD', KEYS[5], number, number)
          redis.call('HSET', KEYS[6], number, string.format('%d %d', block.bytes, block.time))
        end
        for _, seq in ipairs(removed) do redis.call('HDEL', KEYS[7] .. border, seq) end
        for _, number in ipairs(gone) do
          redis.call('UNLINK', KEYS[7] .. number)
          redis.call('ZREM', KEYS[5], number)
          redis.call('HDEL', KEYS[6], number)
        end
        redis.call('XTRIM', KEYS[3], 'MINID', string.format('%d-0', position + 1))
        redis.call('PUBLISH', ARGV[1], 's' .. struct.pack('>I8I8', position, #ARGV[4]))
        return {'ok', position}
        """)
}
