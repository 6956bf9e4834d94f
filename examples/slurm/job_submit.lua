-- Asks kyc_gate about every job before slurmctld takes it (JobSubmitPlugins=lua).
-- Whatever goes wrong (no answer, an answer that is not understood, an error of this script) refuses the job.

local GATE = "http://127.0.0.1:8082"
local SECONDS = "3"
local MARK = "kyc-gate:"

-- JSON of one level: texts, numbers and booleans.
local function quoted(text)
    return '"' .. text:gsub('[%c"\\\127-\255]', function(c) return string.format("\\u%04x", c:byte()) end) .. '"'
end

local function object(fields)
    local parts = {}
    for name, value in pairs(fields) do
        if type(value) == "string" then
            value = quoted(value)
        elseif type(value) == "number" then
            value = string.format("%d", value)
        else
            value = tostring(value)
        end
        parts[#parts + 1] = quoted(name) .. ":" .. value
    end
    return "{" .. table.concat(parts, ",") .. "}"
end

-- Numbers of a job come as "no value" or "infinite" in 8, 16, 32 or 64 bits where nothing was said.
local NOTHING = {}
for _, name in ipairs({ "NO_VAL", "NO_VAL8", "NO_VAL16", "NO_VAL64", "INFINITE", "INFINITE8", "INFINITE16", "INFINITE64" }) do
    if slurm[name] then NOTHING[slurm[name]] = true end
end

local function number(value)
    if type(value) ~= "number" or NOTHING[value] or value < 0 then return nil end
    return value
end

local function text(value)
    if type(value) ~= "string" or value == "" then return nil end
    return value
end

-- A table of all partitions that the user may use; one that is not among them may do what it likes.
local function partition_of(job, partitions)
    if text(job.partition) then return job.partition end
    for name, each in pairs(partitions) do
        if each.flag_default == 1 then return name end
    end
    return nil
end

local function exclusive(names, partitions)
    for name in (names or "?"):gmatch("[^,]+") do
        local share = partitions[name] and number(partitions[name].max_share)
        if share == nil or share == 0 then return true end
    end
    return false
end

-- 1 shares nodes with everybody, 2 with one's own jobs; whoever takes nodes whole says 0.
local function whole(job)
    local shared = number(job.shared)
    return shared ~= nil and shared ~= 1 and shared ~= 2
end

-- The body goes through a file that only slurmctld's user can read, so that no text of a job comes near a shell.
local function ask(path, body)
    local name = os.tmpname()
    local file = assert(io.open(name, "w"))
    file:write(body)
    file:close()
    local pipe = assert(io.popen("curl --silent --fail --noproxy '*' --max-time " .. SECONDS ..
        " --header 'Content-Type: application/json' --data-binary @" .. name .. " " .. GATE .. path, "r"))
    local answer = pipe:read("*a") or ""
    pipe:close()
    os.remove(name)
    local word, decision, told = answer:match("^(%l+)\n([%w_-]+)\n([^\n]*)\n$")
    if not word then return "deny", "-", "the gate cannot be asked now; try again later" end
    return word, decision, told
end

local function submitted(job, partitions, uid)
    if job.admin_comment and job.admin_comment:find(MARK, 1, true) then job.admin_comment = nil end
    local account = text(job.account) or text(job.default_account)
    -- Slurm makes GPUs of `--ntasks-per-gpu`, so that a release which does not tell it cannot be judged.
    if type(job.ntasks_per_tres) ~= "number" then error("slurmctld does not tell ntasks_per_tres") end
    local partition = partition_of(job, partitions)
    local word, decision, told = ask("/slurm/submit", object({
        user = text(job.user_name) or tostring(uid), account = account, partition = partition,
        qos = text(job.qos), name = text(job.name), gres = text(job.gres), tres_per_job = text(job.tres_per_job),
        tres_per_node = text(job.tres_per_node), tres_per_socket = text(job.tres_per_socket),
        tres_per_task = text(job.tres_per_task), array = text(job.array_inx), min_nodes = number(job.min_nodes),
        max_nodes = number(job.max_nodes), nodelist = text(job.req_nodes), tasks = number(job.num_tasks),
        tasks_per_node = number(job.ntasks_per_node), sockets_per_node = number(job.sockets_per_node),
        tasks_per_gpu = number(job.ntasks_per_tres), min_cpus = number(job.min_cpus),
        cpus_per_task = number(job.cpus_per_task), minutes = number(job.time_limit),
        whole_nodes = whole(job) or exclusive(partition, partitions),
        repeats = job.cron_job ~= nil and job.cron_job ~= false and job.cron_job ~= 0,
    }))
    -- What was decided starts once; `-` is a job that asks for nothing.
    if word ~= "deny" and decision ~= "-" then
        if job.requeue == 1 then slurm.log_user("kyc_gate: the job will not be requeued; submit it anew") end
        job.requeue = 0
    end
    if word == "allow" then return slurm.SUCCESS end
    slurm.log_user("kyc_gate: %s", told)
    if word ~= "hold" then return slurm.ERROR end
    job.priority = 0
    job.admin_comment = MARK .. decision
    return slurm.SUCCESS
end

-- What changes how much a job computes; it is asked for anew, not changed.
local TEXTS = { "gres", "tres_per_job", "tres_per_node", "tres_per_socket", "tres_per_task", "array_inx", "partition",
    "account", "req_nodes" }
local NUMBERS = { "min_nodes", "max_nodes", "num_tasks", "ntasks_per_node", "ntasks_per_tres", "sockets_per_node" }

local function modified(job, held, uid)
    if uid == 0 then return slurm.SUCCESS end
    for _, name in ipairs(TEXTS) do
        if text(job[name]) then
            slurm.log_user("kyc_gate: %s may not change; submit the job anew", name)
            return slurm.ERROR
        end
    end
    for _, name in ipairs(NUMBERS) do
        if number(job[name]) then
            slurm.log_user("kyc_gate: %s may not change; submit the job anew", name)
            return slurm.ERROR
        end
    end
    -- A shorter job is no harm; "no limit" is the longest.
    local given = job.time_limit
    if given and given ~= slurm.NO_VAL then
        local before = number(held.time_limit)
        if not number(given) or (before and given > before) then
            slurm.log_user("kyc_gate: the time limit may only shrink; submit the job anew")
            return slurm.ERROR
        end
    end
    if whole(job) then
        slurm.log_user("kyc_gate: a job may not take nodes whole later; submit it anew")
        return slurm.ERROR
    end
    if number(job.requeue) and job.requeue ~= 0 then
        slurm.log_user("kyc_gate: a job may not be made one that is requeued; submit it anew")
        return slurm.ERROR
    end
    if job.admin_comment then
        slurm.log_user("kyc_gate: the admin comment may not change")
        return slurm.ERROR
    end
    local mark = held.admin_comment
    if mark and mark:sub(1, #MARK) == MARK and job.priority and job.priority ~= slurm.NO_VAL and job.priority ~= 0 then
        local word, _, told = ask("/slurm/release", mark:sub(#MARK + 1))
        if word ~= "allow" then
            slurm.log_user("kyc_gate: %s", told)
            return slurm.ERROR
        end
    end
    return slurm.SUCCESS
end

-- An error inside is a refusal, not a job that went by.
local function closed(step, ...)
    local fine, answer = pcall(step, ...)
    if fine then return answer end
    slurm.log_error("kyc_gate: %s", tostring(answer))
    slurm.log_user("kyc_gate: the job cannot be judged now; try again later")
    return slurm.ERROR
end

function slurm_job_submit(job, partitions, uid) return closed(submitted, job, partitions, uid) end

function slurm_job_modify(job, held, partitions, uid) return closed(modified, job, held, uid) end

return slurm.SUCCESS
