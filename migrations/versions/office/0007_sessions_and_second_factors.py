"""Keep officers' sessions, second factors and whether they may enter; sign-outs need no count any more."""

import sqlalchemy as sa
from alembic import op

revision = "office_0007"
down_revision = "office_0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("officer", sa.Column("is_disabled", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.drop_column("officer", "n_sign_outs")
    op.create_table(
        "officer_session",
        sa.Column("token_mark", sa.LargeBinary(32), nullable=False),
        sa.Column("officer_id", sa.Integer(), nullable=False),
        sa.Column("began", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("browser", sa.String(60), nullable=False),
        sa.Column("is_complete", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["officer_id"], ["officer.id"], name="fk_officer_session_officer_id"),
        sa.PrimaryKeyConstraint("token_mark", name="pk_officer_session"),
    )
    op.create_table(
        "second_factor",
        sa.Column("officer_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=False),
        sa.Column("last_step", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["officer_id"], ["officer.id"], name="fk_second_factor_officer_id"),
        sa.PrimaryKeyConstraint("officer_id", name="pk_second_factor"),
    )
    op.create_table(
        "recovery_code",
        sa.Column("officer_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("mark", sa.LargeBinary(32), nullable=False),
        sa.ForeignKeyConstraint(["officer_id"], ["officer.id"], name="fk_recovery_code_officer_id"),
        sa.PrimaryKeyConstraint("officer_id", "mark", name="pk_recovery_code"),
    )


def downgrade() -> None:
    op.drop_table("recovery_code")
    op.drop_table("second_factor")
    op.drop_table("officer_session")
    op.add_column("officer", sa.Column("n_sign_outs", sa.Integer(), nullable=False, server_default="0"))
    op.drop_column("officer", "is_disabled")
