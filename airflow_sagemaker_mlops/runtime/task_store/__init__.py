"""The storage of a step's values across its processes and attempts.

``protocol`` defines a task store; ``worker`` and ``trigger`` are its two back ends.  Everything that a step stores is
implemented once, on top of the protocol:

============================  ===============================  =========================================
what                          key                              module
============================  ===============================  =========================================
the job that the step made    ``sagemaker_job``                ``journal.TaskJournal``
results of a loop's children  the child's name                 ``notes.TaskNotes``
answers to Callback steps     ``sagemaker_callback_<handle>``  ``callback_inbox.TaskCallbackInbox``
links and the shown request   ``links.LINKS``, ``request``     ``links.PublishedLinks``
place in the queue            ``sagemaker_ticket``             ``runtime.queue.TaskQueueSlots``
how the step ended            ``sagemaker_result``             ``stored_end.StoredEnd`` (worker only)
============================  ===============================  =========================================
"""
